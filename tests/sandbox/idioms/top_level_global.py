global total, numbers
total = 0
numbers = []


def read():
    global total, numbers
    numbers = [int(input()) for _ in range(int(input()))]
    total = sum(numbers)


read()
print(total)
print(max(numbers))
