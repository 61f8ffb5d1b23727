# verdict: memory_limit
(-1,) * 10**9
