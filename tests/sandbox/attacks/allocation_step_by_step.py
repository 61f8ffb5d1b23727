# verdict: memory_limit
blocks = []
while True:
    blocks.append(bytearray(64 << 20))
