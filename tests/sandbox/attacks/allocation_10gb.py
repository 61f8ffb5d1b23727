# verdict: memory_limit
block = bytearray(10 << 30)
print(int(input()) ** 2)
