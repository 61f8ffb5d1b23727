# verdict: time_limit
import sys

sys.set_int_max_str_digits(0)
print(str(3 ** (10**7)))
