import sys

numbers = [int(line) for line in sys.stdin.buffer.readlines()[1:] if line.strip()]
print(sum(numbers))
print(max(numbers))
