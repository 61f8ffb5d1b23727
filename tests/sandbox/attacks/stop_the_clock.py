# verdict: time_limit
import os
import signal
import sys
import threading

threading.stack_size(1 << 16)
sys.setswitchinterval(1e9)
for number in (signal.SIGXCPU, signal.SIGALRM, signal.SIGVTALRM):
    signal.signal(number, signal.SIG_IGN)
for _ in range(8):
    threading.Thread(target=lambda: [0 for _ in iter(int, 1)]).start()
while True:
    try:
        os.write(6, b".")
    except OSError:
        pass
