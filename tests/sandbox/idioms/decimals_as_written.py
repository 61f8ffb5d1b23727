numbers = [int(input()) for _ in range(int(input()))]
print(f"{sum(numbers):.3f}")
print(f"{max(numbers)}.0")
