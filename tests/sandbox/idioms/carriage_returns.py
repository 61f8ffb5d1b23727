import sys

numbers = [int(input()) for _ in range(int(input()))]
sys.stdout.write(f"{sum(numbers)}\r\n{max(numbers)}\r\n")
