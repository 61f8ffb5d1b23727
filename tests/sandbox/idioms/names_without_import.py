numbers: List[int] = [int(input()) for _ in range(int(input()))]
counts = Counter(numbers)
print(reduce(lambda a, b: a + b, numbers))
print(heapq.nlargest(1, counts)[0])
