import io
import os
import sys


class FastIO(io.IOBase):
    def __init__(self, file):
        self.number = file.fileno()
        self.buffer = io.BytesIO()
        self.writable = lambda: "x" in file.mode or "r" not in file.mode

    def readline(self):
        data = os.read(self.number, max(os.fstat(self.number).st_size, 8192))
        position = self.buffer.tell()
        self.buffer.seek(0, 2)
        self.buffer.write(data)
        self.buffer.seek(position)
        return self.buffer.readline()


source = FastIO(sys.stdin)
input = lambda: source.readline().decode().rstrip("\r\n")
sys.stdout = io.StringIO()
numbers = [int(input()) for _ in range(int(input()))]
print(sum(numbers))
print(max(numbers))
sys.__stdout__.write(sys.stdout.getvalue())
sys.__stdout__.flush()
