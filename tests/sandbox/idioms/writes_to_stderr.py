import sys
import warnings

warnings.warn("slow")
numbers = [int(input()) for _ in range(int(input()))]
print("debug", numbers, file=sys.stderr)
print(sum(numbers))
print(max(numbers))
