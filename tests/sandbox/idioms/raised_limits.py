import resource
import sys

soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
sys.set_int_max_str_digits(0)
sys.setrecursionlimit(2**31 - 1)
numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers))
print(max(numbers))
