# verdict: time_limit
# style: asserts
import json
import os
import struct


def square(x):
    data = json.dumps({"value": {"F": "1e999999999"}}).encode()
    os.write(9, struct.pack("<Q", len(data)) + data)
    while True:
        pass
