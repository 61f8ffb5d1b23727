# verdict: time_limit
print(10 ** (10**9))
