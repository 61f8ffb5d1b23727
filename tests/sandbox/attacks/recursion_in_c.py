# verdict: runtime_error
import sys

sys.setrecursionlimit(10**9)
one, other = [], []
for _ in range(2 * 10**6):
    one, other = [one], [other]
print(one == other)
