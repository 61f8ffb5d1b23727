# verdict: runtime_error
import ctypes
import platform

if platform.machine() != "x86_64":
    raise SystemExit(1)
ctypes.CDLL(None).syscall(0x40000000 + 39)
print(int(input()) ** 2)
