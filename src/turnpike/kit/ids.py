"""Identifiers: UUID version 7 (RFC 9562), sortable by the time they were made."""

import struct
import time
from secrets import randbits
from uuid import UUID

_pack = struct.Struct(">QQ").pack
_VARIANT = 0b10 << 62


class IdSource:
    """Makes UUIDv7 values that rise strictly within one process.

    The random part is drawn once and counted on from there (RFC 9562, 6.2, method 2): 74 random bits keep two
    processes apart, and a call to the kernel for every id would cost more than the id.
    """

    __slots__ = ("_counter", "_high", "_last_ms")

    def __init__(self) -> None:
        self._high = 0x7000 | randbits(12)
        # The top bit starts clear, so that counting on does not overflow within the life of any process.
        self._counter = randbits(61)
        self._last_ms = 0

    def at(self, ms: int) -> bytes:
        """16 bytes, greater than every earlier value of this source, for a moment in milliseconds since the epoch. A
        clock that goes back does not take the ids with it."""
        if ms > self._last_ms:
            self._last_ms = ms
        else:
            ms = self._last_ms
        self._counter = counter = self._counter + 1
        return _pack(ms << 16 | self._high, _VARIANT | counter)

    def next_bytes(self) -> bytes:
        return self.at(time.time_ns() // 1_000_000)


_source = IdSource()


def new_id() -> str:
    """Returns a new UUIDv7 in its canonical text form of 36 characters."""
    return str(UUID(bytes=_source.next_bytes()))
