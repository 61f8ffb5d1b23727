def main():
    numbers = [int(input()) for _ in range(int(input()))]
    print(sum(numbers))
    print(max(numbers))


if __name__ == "__main__":
    main()
