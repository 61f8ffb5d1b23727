# verdict: wrong_answer
# style: function
def square(x):
    return 1 << 4_000_000
