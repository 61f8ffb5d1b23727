# verdict: runtime_error
# style: asserts
def square(x):
    raise AssertionError("as expected")
