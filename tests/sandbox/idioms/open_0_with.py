with open(0) as lines:
    n, *numbers = map(int, lines.read().split())
print(sum(numbers))
print(max(numbers))
