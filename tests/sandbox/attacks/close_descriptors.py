# verdict: runtime_error
import os

os.closerange(0, 1 << 16)
print(int(input()) ** 2)
