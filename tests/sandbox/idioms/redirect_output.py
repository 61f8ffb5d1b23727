import contextlib
import io
import sys

buffer = io.StringIO()
with contextlib.redirect_stdout(buffer):
    numbers = [int(input()) for _ in range(int(input()))]
    print(sum(numbers))
    print(max(numbers))
sys.stdout.write(buffer.getvalue())
