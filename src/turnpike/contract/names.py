"""What relays ask the worker about texts, and what it says: names of people and places, found by a language model.

On a unix socket: a 4-byte big-endian length, then one msgpack message, both ways. Answers come in any order.
"""

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

KINDS = ("person", "location", "organization", "group", "date")
"""What a guard of the kind `names` may look for: people, places, companies and the like, nationalities and religions,
dates."""
DEFAULT_KINDS = ("person", "location")
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
_LENGTH = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode


class AskNames(msgspec.Struct, frozen=True, array_like=True):
    id: int
    texts: tuple[str, ...]
    within_s: float
    """Afterwards nobody waits for the answer."""


class Name(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    start: int
    end: int
    """Of the text's characters."""
    score: float


class NamesFound(msgspec.Struct, frozen=True, array_like=True):
    id: int
    texts: tuple[tuple[Name, ...], ...] = ()
    """For each text that was asked about, in order; no two of one text overlap."""
    problem: str | None = None
    """Why there is no answer."""


def pack_names(message: AskNames | NamesFound) -> bytes:
    body = _encode(message)
    return _LENGTH.pack(len(body)) + body


class NamesUnpacker:
    """Cuts a byte stream into messages of one kind."""

    def __init__(self, kind: type[AskNames] | type[NamesFound]) -> None:
        self._decode = msgspec.msgpack.Decoder(kind).decode
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """Raises ValueError for what is none of these messages."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= 4:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > MAX_MESSAGE_BYTES:
                raise ValueError(f"a message of {length} bytes")
            if len(buffer) < 4 + length:
                return
            body = bytes(buffer[4 : 4 + length])
            del buffer[: 4 + length]
            yield self._decode(body)
