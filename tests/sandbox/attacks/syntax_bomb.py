# verdict: runtime_error
compile("(" * 10**6, "bomb", "eval")
