"""The journal's file format: written by relays (turnpike.relay.journal), read by control.

A relay incarnation owns a folder `<incarnation>/` with segments `00000001.seg`, ... of fixed size, and holds an
exclusive `flock` on `<incarnation>/lock` as long as it lives: whoever gets that lock knows that the relay is dead.

A segment is a header of 64 bytes and frames behind it. A frame is `length: u32, crc32c(payload): u32, payload`, all
little-endian; the payload is written before its length, so a reader that sees a length sees a frame or, while the
writer is between the two, a wrong checksum: in a live segment it looks again later, in a dead one the tail is torn
and cut. Length 0: nothing more yet. Length `SEALED`: the relay went on to the next segment.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
from crc32c import crc32c

from turnpike.contract.events import Record

MAGIC = b"TPJ1"
HEADER_BYTES = 64
FRAME = struct.Struct("<II")
SEALED = 0xFFFFFFFF
LOCK_NAME = "lock"

_HEADER = struct.Struct("<4sHH16sQQ")
_decode = msgspec.msgpack.Decoder(Record).decode


class SegmentHeader(msgspec.Struct, frozen=True):
    version: int
    incarnation: bytes
    sequence: int
    created_at_ms: int


def segment_name(sequence: int) -> str:
    return f"{sequence:08d}.seg"


def segments_of(folder: Path) -> list[Path]:
    """A relay incarnation's segments, oldest first."""
    return sorted(folder.glob("*.seg"))


def pack_header(header: SegmentHeader) -> bytes:
    packed = _HEADER.pack(MAGIC, header.version, 0, header.incarnation, header.sequence, header.created_at_ms)
    return packed.ljust(HEADER_BYTES, b"\0")


def unpack_header(data: bytes) -> SegmentHeader | None:
    """None when the bytes are no header of this format: a file cut while it was being made."""
    if len(data) < HEADER_BYTES:
        return None
    magic, version, _, incarnation, sequence, created = _HEADER.unpack_from(data)
    if magic != MAGIC:
        return None
    return SegmentHeader(version, incarnation, sequence, created)


class Scan(msgspec.Struct):
    """Where a reader stands in one segment. `torn` holds only for what was read: a live writer may mend it."""

    offset: int = HEADER_BYTES
    sealed: bool = False
    torn: bool = False


def read_frames(data: bytes | memoryview, scan: Scan) -> Iterator[Record]:
    """Yields the records from `scan.offset` on and moves `scan` along; stops at the end, a seal or a torn frame.

    `data` is the whole segment (a memory map will do). Raises msgspec.DecodeError or msgspec.ValidationError for a
    frame whose checksum holds but whose record this version cannot read.
    """
    scan.torn = False
    end = len(data)
    while scan.offset + FRAME.size <= end:
        length, checksum = FRAME.unpack_from(data, scan.offset)
        if length == 0:
            return
        if length == SEALED:
            scan.sealed = True
            return
        start = scan.offset + FRAME.size
        payload = bytes(data[start : start + length])
        if start + length > end or crc32c(payload) != checksum:
            scan.torn = True
            return
        record = _decode(payload)
        scan.offset = start + length
        yield record
