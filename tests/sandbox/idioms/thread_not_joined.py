import threading


def main():
    numbers = [int(input()) for _ in range(int(input()))]
    print(sum(numbers))
    print(max(numbers))


threading.Thread(target=main).start()
