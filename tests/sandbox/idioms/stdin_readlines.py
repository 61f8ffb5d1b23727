import sys

lines = sys.stdin.readlines()
numbers = [int(line) for line in lines[1:] if line.strip()]
print(sum(numbers))
print(max(numbers))
