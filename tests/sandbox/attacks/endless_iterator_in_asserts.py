# verdict: wrong_answer
# style: asserts
import itertools


def square(x):
    return itertools.count()
