numbers = []
input()
while True:
    try:
        numbers.append(int(input()))
    except (EOFError, ValueError):
        break
print(sum(numbers))
print(max(numbers))
