# verdict: wrong_answer
# style: function
def square(x):
    return [0] * (4 << 20)
