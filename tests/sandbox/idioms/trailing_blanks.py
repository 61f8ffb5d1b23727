numbers = [int(input()) for _ in range(int(input()))]
print(f"{sum(numbers)}   ")
print(f"{max(numbers)}\t\n\n\n")
