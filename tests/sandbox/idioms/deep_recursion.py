import sys
from functools import lru_cache

sys.setrecursionlimit(10**6)


@lru_cache(maxsize=None)
def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


def plain(n):
    return 0 if n == 0 else 1 + plain(n - 1)


numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers) + plain(10**5) - 10**5 + down(20_000) - 20_000)
print(max(numbers))
