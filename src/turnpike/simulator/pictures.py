"""Pictures that anybody can predict: a square of one colour, which is made of the prompt."""

import hashlib
import struct
import zlib

SIDE_PIXELS = 16


def png(seed: str) -> bytes:
    """The same seed makes the same bytes, a valid PNG file."""
    colour = hashlib.blake2b(seed.encode(), digest_size=3).digest()
    row = b"\0" + colour * SIDE_PIXELS
    head = struct.pack(">IIBBBBB", SIDE_PIXELS, SIDE_PIXELS, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(row * SIDE_PIXELS)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
