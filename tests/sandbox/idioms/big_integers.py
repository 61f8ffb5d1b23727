numbers = [int(input()) for _ in range(int(input()))]
shift = 3**20_000
print(sum(number + shift for number in numbers) - shift * len(numbers))
print(int(str(max(numbers) + shift)) - shift)
