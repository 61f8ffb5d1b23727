# verdict: wrong_answer
# style: function
def square(x):
    nested = []
    for _ in range(10**5):
        nested = [nested]
    return nested
