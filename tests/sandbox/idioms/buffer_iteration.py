import sys

next(sys.stdin.buffer)
numbers = [int(line) for line in sys.stdin.buffer if line.strip()]
print(sum(numbers))
print(max(numbers))
