import os

data = b""
while part := os.read(0, 5):
    data += part
n, *numbers = map(int, data.split())
os.write(1, f"{sum(numbers)}\n{max(numbers)}\n".encode())
