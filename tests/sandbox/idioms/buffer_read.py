import sys

n, *numbers = map(int, sys.stdin.buffer.read().split())
sys.stdout.buffer.write(b"%d\n%d\n" % (sum(numbers), max(numbers)))
