# verdict: runtime_error
# style: asserts
import sys

sys.exit(0)
