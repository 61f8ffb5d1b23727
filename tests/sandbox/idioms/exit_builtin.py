numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers))
print(max(numbers))
exit(0)
