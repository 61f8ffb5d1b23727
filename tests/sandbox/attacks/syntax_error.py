# verdict: runtime_error
print(int(input()) ** 2
