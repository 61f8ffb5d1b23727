import sys

numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers))
print(max(numbers))
sys.exit()
