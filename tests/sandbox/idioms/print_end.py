n = int(input())
numbers = [int(input()) for _ in range(n)]
print(sum(numbers), end="")
print("\n", end="")
print(max(numbers), end="")
