# verdict: runtime_error
import os

for descriptor in range(3, 64):
    try:
        os.set_blocking(descriptor, False)
        for _ in range(2000):
            os.write(descriptor, b"[" * (1 << 16))
    except OSError:
        pass
os._exit(0)
