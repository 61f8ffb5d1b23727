# verdict: runtime_error
import ctypes
import sys

sys.setrecursionlimit(10**9)
ctypes.string_at(0)
