import sys

n, *numbers = map(int, sys.stdin.read().split())
print(sum(numbers))
print(max(numbers))
