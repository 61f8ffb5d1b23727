import asyncio


async def main():
    numbers = [int(input()) for _ in range(int(input()))]
    await asyncio.sleep(0)
    total, largest = await asyncio.gather(asyncio.to_thread(sum, numbers), asyncio.to_thread(max, numbers))
    print(total)
    print(largest)


asyncio.run(main())
