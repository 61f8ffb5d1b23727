# verdict: runtime_error
import threading

threading.stack_size(1 << 16)
while True:
    threading.Thread(target=threading.Event().wait, daemon=True).start()
