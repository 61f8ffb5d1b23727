import sys

lines = [line for line in sys.stdin]
numbers = [int(line) for line in lines[1:] if line.strip()]
print(sum(numbers))
print(max(numbers))
