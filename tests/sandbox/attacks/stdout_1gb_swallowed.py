# verdict: output_limit
import os

for _ in range(1 << 10):
    try:
        os.write(1, b"x" * (1 << 20))
    except OSError:
        pass
