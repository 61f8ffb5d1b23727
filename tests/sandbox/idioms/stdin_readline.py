import sys

input = sys.stdin.readline
n = int(input())
numbers = [int(input()) for _ in range(n)]
print(sum(numbers))
print(max(numbers))
