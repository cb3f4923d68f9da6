"""Amazon's binary event stream (`application/vnd.amazon.eventstream`): an incremental decoder and an encoder.

A message is a 12-byte prelude (total length, length of the headers, CRC-32 of those two), headers, payload, and the
CRC-32 of everything before it; numbers are big-endian. The decoder takes bytes cut anywhere and checks both sums.
Framing only: what a message means is not known here. Source: the Smithy specification, "Amazon Event Stream".
"""

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_MESSAGE_BYTES = 24 * 1024 * 1024
"""The most that the specification allows."""
_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_FIXED: dict[int, int] = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: byte, short, integer, long, timestamp, uuid."""
_SIZED = (6, 7)
_TEXT = 7


class EventStreamError(ValueError):
    """The bytes are no event stream: a wrong sum, a wrong length, a header of an unknown kind."""


@dataclass(frozen=True, slots=True)
class EventMessage:
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Those that are text; the others say nothing that anyone here reads."""
    payload: bytes = b""


class EventStreamDecoder:
    """One stream's decoder."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    @property
    def rest(self) -> int:
        """Bytes of a message that is not whole yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[EventMessage]:
        """Raises EventStreamError; then the stream cannot be read any further."""
        buffer = self._buffer
        buffer += data
        messages: list[EventMessage] = []
        start = 0
        while len(buffer) - start >= _PRELUDE.size:
            total, headers, crc = _PRELUDE.unpack_from(buffer, start)
            if zlib.crc32(buffer[start : start + 8]) != crc:
                raise EventStreamError("the checksum of a message's prelude is wrong")
            if total > MAX_MESSAGE_BYTES or headers > total - 16:
                raise EventStreamError(f"a message of {total} bytes with {headers} of headers cannot be")
            if len(buffer) - start < total:
                break
            messages.append(_message(bytes(buffer[start : start + total]), headers))
            start += total
        del buffer[:start]
        return messages


def _message(raw: bytes, header_bytes: int) -> EventMessage:
    if zlib.crc32(raw[:-4]) != _CRC.unpack(raw[-4:])[0]:
        raise EventStreamError("the checksum of a message is wrong")
    end = 12 + header_bytes
    try:
        return EventMessage(_headers(raw[12:end]), raw[end:-4])
    except (IndexError, UnicodeDecodeError) as error:
        raise EventStreamError("the headers of a message cannot be read") from error


def _headers(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    place = 0
    while place < len(raw):
        name_end = place + 1 + raw[place]
        name = raw[place + 1 : name_end].decode()
        kind = raw[name_end]
        place = name_end + 1
        if kind in _SIZED:
            size = raw[place] << 8 | raw[place + 1]
            place += 2
            if kind == _TEXT:
                headers[name] = raw[place : place + size].decode()
            place += size
        elif kind in _FIXED:
            place += _FIXED[kind]
        elif kind > 1:  # 0 and 1 are the booleans, without a value
            raise EventStreamError(f"a header has the unknown type {kind}")
    if place != len(raw):
        raise EventStreamError("the headers of a message are longer than they say")
    return headers


def encode_message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message with text headers. Raises ValueError for a name over 255 bytes or a value over 65,535."""
    written = bytearray()
    for name, value in headers.items():
        raw_name, raw = name.encode(), value.encode()
        if len(raw_name) > 255 or len(raw) > 65_535:
            raise ValueError("a header of an event stream is too long")
        written += bytes((len(raw_name),)) + raw_name + bytes((_TEXT,)) + len(raw).to_bytes(2, "big") + raw
    prelude = struct.pack(">II", 16 + len(written) + len(payload), len(written))
    message = prelude + _CRC.pack(zlib.crc32(prelude)) + bytes(written) + payload
    return message + _CRC.pack(zlib.crc32(message))
