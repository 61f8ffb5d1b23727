import sys
from functools import lru_cache

sys.setrecursionlimit(10**6)


@lru_cache(maxsize=None)
def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


def plain(n):
    return 0 if n == 0 else 1 + plain(n - 1)


numbers = [int(input()) for _ in range(int(input()))]
cached = 20_000 if sys.version_info < (3, 12) else 200  # newer interpreters have a limit of their own for this
print(sum(numbers) + plain(10**5) - 10**5 + down(cached) - cached)
print(max(numbers))
