# verdict: wrong_answer
# style: function
def square(x):
    nested = []
    nested.append(nested)
    return nested
