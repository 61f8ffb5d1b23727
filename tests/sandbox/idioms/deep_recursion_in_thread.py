import sys
import threading

sys.setrecursionlimit(10**6)
threading.stack_size(1 << 27)


def down(n):
    return 0 if n == 0 else 1 + down(n - 1)


def main():
    numbers = [int(input()) for _ in range(int(input()))]
    print(sum(numbers) + down(10**5) - 10**5)
    print(max(numbers))


thread = threading.Thread(target=main)
thread.start()
thread.join()
