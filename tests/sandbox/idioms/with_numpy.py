# needs: numpy
import sys

import numpy as np

numbers = np.array(sys.stdin.read().split(), dtype=np.int64)[1:]
print(numbers.sum())
print(numbers.max())
print(np.linalg.det(np.eye(3)) == 1.0 and "", end="")
