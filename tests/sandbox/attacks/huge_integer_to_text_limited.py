# verdict: runtime_error
print(str(7 ** (10**6)))
