# verdict: runtime_error
import threading

threading.stack_size(1 << 16)
while True:
    try:
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    except RuntimeError:
        raise SystemExit(1)
