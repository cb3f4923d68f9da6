"""The journal's file format: written by relays (turnpike.relay.journal), read by control (turnpike.control.drain).

A relay incarnation owns a folder `<incarnation>/` with segments `00000001.seg`, ... of fixed size, and holds an
exclusive `flock` on `<incarnation>/lock` as long as it lives: whoever gets that lock knows that the relay is dead.
The lock is taken before the first segment is made, so a folder with a segment is judged by its lock alone; one
without is given `GRACE_S` to begin.

A segment is a header of 64 bytes and frames behind it. A frame is `length: u32, crc32c(payload): u32, payload`, all
little-endian; the payload is written before its length, so a reader that sees a length sees a frame or, while the
writer is between the two, a wrong checksum: in a live segment it looks again later, in a dead one the tail is torn
and cut. Length 0: nothing more yet. Length `SEALED`: the relay went on to the next segment.

A payload is one record of turnpike.contract.events. Records may grow fields at their end, which older readers skip;
a record of a kind that a reader does not know has its segment set aside under another name (`ASIDE_SUFFIX`) until a
reader comes that does.
"""

import fcntl
import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec
from crc32c import crc32c

from turnpike.contract.events import GuardRecord, Record, UsageEvent
from turnpike.contract.refusals import RefusalRecord

JOURNAL_VERSION = 1
"""Stands in every segment's header; a reader sets aside the segments of a later one."""
MAGIC = b"TPJ1"
HEADER_BYTES = 64
FRAME = struct.Struct("<II")
SEALED = 0xFFFFFFFF
LOCK_NAME = "lock"
SEGMENT_SUFFIX = ".seg"
ASIDE_SUFFIX = ".seg.unreadable"
GRACE_S = 5.0

_HEADER = struct.Struct("<4sHH16sQQ")
_RECORD_START = re.compile(rb"(?:[\x90-\x9f]|\xdc..)[\x01-\x7f]\xc4\x10", re.DOTALL)
"""How every record begins in msgpack: an array, its tag, a binary of 16 bytes."""


class OpenHead(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """The beginning of an OpenRecord: all that a reader asks of a call that goes on to be settled."""

    event_id: bytes


_decode = msgspec.msgpack.Decoder(Record).decode
_decode_fast = msgspec.msgpack.Decoder(OpenHead | UsageEvent | GuardRecord | RefusalRecord).decode


class SegmentHeader(msgspec.Struct, frozen=True):
    version: int
    incarnation: bytes
    sequence: int
    created_at_ms: int


def segment_name(sequence: int) -> str:
    return f"{sequence:08d}{SEGMENT_SUFFIX}"


def segments_of(folder: Path) -> list[Path]:
    """A relay incarnation's segments, oldest first."""
    return sorted(folder.glob(f"*{SEGMENT_SUFFIX}"))


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


def pack_frame(payload: bytes) -> bytes:
    """A whole frame. A writer into a shared map copies the payload first and these first eight bytes last."""
    return FRAME.pack(len(payload), crc32c(payload)) + payload


# ---- who lives


def lock_folder(folder: Path) -> int | None:
    """Takes the folder's lock without waiting; returns the descriptor that holds it until closed, or None when
    another process has it. Raises OSError when the folder cannot be opened."""
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


# ---- frames


class Scan(msgspec.Struct):
    """Where a reader stands in one segment. `torn` holds only for what was read: a live writer may mend it."""

    offset: int = HEADER_BYTES
    sealed: bool = False
    torn: bool = False
    wanted: int = 0
    """Bytes from `offset` on that the next frame needs and the data did not have; 0 when it had enough."""


def read_payloads(data: bytes, scan: Scan, size: int, base: int = 0) -> Iterator[bytes]:
    """Yields the payloads from `scan.offset` on and moves `scan` past each; stops at the end, a seal, a torn frame,
    or a frame that goes on beyond `data`.

    `data` are the segment's bytes from `base` on, `size` is the whole segment's.
    """
    scan.torn = False
    scan.wanted = 0
    end = base + len(data)
    unpack = FRAME.unpack_from
    offset = scan.offset
    while offset + 8 <= end:
        length, checksum = unpack(data, offset - base)
        if length == 0:
            return
        if length == SEALED:
            scan.sealed = True
            return
        start = offset + 8
        stop = start + length
        if stop > end:
            if stop > size:
                scan.torn = True
            else:
                scan.wanted = stop - offset
            return
        payload = data[start - base : stop - base]
        if crc32c(payload) != checksum:
            scan.torn = True
            return
        scan.offset = offset = stop
        yield payload
    if offset + 8 <= size:
        scan.wanted = 8


def read_frames(data: bytes, scan: Scan) -> Iterator[Record]:
    """Yields the records from `scan.offset` on, as `read_payloads` does.

    `data` is the whole segment. Raises msgspec.DecodeError or msgspec.ValidationError for a frame whose checksum
    holds but whose record this version cannot read; `scan` is past it then.
    """
    for payload in read_payloads(data, scan, len(data)):
        yield _decode(payload)


def decode_record(payload: bytes) -> Record:
    """Raises msgspec.DecodeError or msgspec.ValidationError for what this version cannot read."""
    return _decode(payload)


def decode_quickly(payload: bytes) -> OpenHead | UsageEvent | GuardRecord | RefusalRecord:
    """As `decode_record`, without the rest of an open record. Half the time of the whole."""
    return _decode_fast(payload)


def next_frame(data: bytes, start: int = 0) -> int | None:
    """The place of the next intact frame at or after `start`: where reading can go on behind a damaged one."""
    for match in _RECORD_START.finditer(data, start + FRAME.size):
        place = match.start() - FRAME.size
        length, checksum = FRAME.unpack_from(data, place)
        payload = data[match.start() : match.start() + length]
        if length and len(payload) == length and crc32c(payload) == checksum:
            return place
    return None
