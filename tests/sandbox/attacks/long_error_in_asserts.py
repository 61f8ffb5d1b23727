# verdict: runtime_error
# style: asserts
import json
import os
import struct


def square(x):
    data = json.dumps({"error": ["other" * 99_999, "x" * (1 << 20)], "type": "y" * (1 << 20)}).encode()
    message = struct.pack("<Q", len(data)) + data
    while message:
        message = message[os.write(9, message) :]
    while True:
        os.read(8, 1)
