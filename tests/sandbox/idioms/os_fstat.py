import io
import os

data = io.BytesIO(os.read(0, os.fstat(0).st_size)).readlines()
numbers = [int(line) for line in data[1:] if line.strip()]
print(sum(numbers))
print(max(numbers))
