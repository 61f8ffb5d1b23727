from concurrent.futures import ThreadPoolExecutor

numbers = [int(input()) for _ in range(int(input()))]
with ThreadPoolExecutor(4) as pool:
    for result in pool.map(lambda f: f(numbers), (sum, max)):
        print(result)
