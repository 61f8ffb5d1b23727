import sys

n = int(input())
numbers = list(map(int, sys.stdin.read().split()))
print(sum(numbers))
print(max(numbers))
