import signal


class TooSlow(Exception):
    pass


def late(*_):
    raise TooSlow


signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.01)
try:
    while True:
        pass
except TooSlow:
    pass
numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers))
print(max(numbers))
