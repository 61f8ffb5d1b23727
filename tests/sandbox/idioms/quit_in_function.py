import os
import sys


def main():
    numbers = [int(input()) for _ in range(int(input()))]
    print(sum(numbers))
    print(max(numbers))
    sys.stdout.flush()
    os._exit(0)


main()
