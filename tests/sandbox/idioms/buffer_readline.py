import sys

n = int(sys.stdin.buffer.readline())
numbers = [int(sys.stdin.buffer.readline()) for _ in range(n)]
print(sum(numbers), max(numbers), sep="\n")
