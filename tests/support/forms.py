"""Forms made by hand, and sound whose length is known."""

import struct
from collections.abc import Iterable

BOUNDARY = "----turnpike-test-5f2c9b7a"


def field(name: str, value: str | bytes) -> bytes:
    raw = value if isinstance(value, bytes) else value.encode()
    return f'Content-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + raw


def file(name: str, data: bytes, filename: str = "sound.wav", kind: str = "audio/wav") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {kind}\r\n\r\n'
    return head.encode() + data


def form(*parts: bytes, boundary: str = BOUNDARY) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def content_type(boundary: str = BOUNDARY) -> tuple[str, str]:
    return "Content-Type", f"multipart/form-data; boundary={boundary}"


def wav(seconds: float, *, rate_hz: int = 16_000) -> bytes:
    """Silence, one channel of 16 bits."""
    data = bytes(int(seconds * rate_hz) * 2)
    head = b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt "
    head += struct.pack("<IHHIIHH", 16, 1, 1, rate_hz, rate_hz * 2, 2, 16)
    return head + b"data" + struct.pack("<I", len(data)) + data


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """The data in pieces that end at these places."""
    marks = sorted({place for place in places if 0 < place < len(data)})
    return [data[start:end] for start, end in zip([0, *marks], [*marks, len(data)], strict=True)]
