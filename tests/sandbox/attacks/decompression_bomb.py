# verdict: memory_limit
import zlib

layer = zlib.compressobj(9)
chunk = bytes(1 << 24)
packed = b"".join(layer.compress(chunk) for _ in range(8)) + layer.flush()
block = b"".join(zlib.decompress(packed) for _ in range(200))
