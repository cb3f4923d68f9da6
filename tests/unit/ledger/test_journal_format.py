"""contract/journal.py: what was written is read, cut anywhere, and the way behind damage is found."""

import os
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.journals import event_id, flip_bit, open_record, usage_event
from turnpike.contract.events import OpenRecord, Record, UsageEvent
from turnpike.contract.journal import (
    FRAME,
    HEADER_BYTES,
    SEALED,
    OpenHead,
    Scan,
    SegmentHeader,
    decode_quickly,
    decode_record,
    lock_folder,
    next_frame,
    pack_frame,
    pack_header,
    read_frames,
    read_payloads,
    segment_name,
    segments_of,
    unpack_header,
)

_encode = msgspec.msgpack.Encoder().encode


def _segment(*records: Record, size: int = 65536) -> bytes:
    content = b"".join(pack_frame(_encode(record)) for record in records)
    return (bytes(HEADER_BYTES) + content).ljust(size, b"\0")


def test_records_come_back_as_they_were() -> None:
    records = [open_record(event_id()), usage_event(event_id()), open_record(event_id(), attempt=2)]
    scan = Scan()
    assert list(read_frames(_segment(*records), scan)) == records
    assert not scan.torn
    assert not scan.sealed


def test_a_reader_goes_on_where_it_stopped_and_sees_the_seal() -> None:
    # The last byte is no zero, or `rstrip` would take it for the segment's empty end.
    first, second = usage_event(event_id()), usage_event(event_id(), saved_nanousd=1)
    scan = Scan()
    assert list(read_frames(_segment(first), scan)) == [first]
    data = bytearray(_segment(first, second))
    end = len(data.rstrip(b"\0"))
    FRAME.pack_into(data, end, SEALED, 0)
    assert list(read_frames(bytes(data), scan)) == [second]
    assert scan.sealed


@given(cuts=st.lists(st.integers(1, 700), min_size=1, max_size=20), count=st.integers(1, 8))
def test_a_segment_read_in_parts_of_any_size_gives_every_record(cuts: list[int], count: int) -> None:
    records = [usage_event(event_id()) for _ in range(count)]
    data = _segment(*records, size=8192)
    scan = Scan()
    found: list[bytes] = []
    sizes = iter(cuts)
    for _ in range(200):
        length = max(next(sizes, 8192), scan.wanted)
        part = data[scan.offset : scan.offset + length]
        before = len(found)
        found.extend(read_payloads(part, scan, len(data), scan.offset))
        assert not scan.torn
        if len(found) == before and not scan.wanted:
            break
    assert [decode_record(payload) for payload in found] == records


def test_quick_decoding_reads_a_settle_record_whole_and_of_an_open_record_its_event() -> None:
    opened, settled = open_record(event_id()), usage_event(event_id())
    assert decode_quickly(_encode(opened)) == OpenHead(opened.event_id)
    assert decode_quickly(_encode(settled)) == settled
    assert isinstance(decode_record(_encode(opened)), OpenRecord)
    assert isinstance(decode_record(_encode(settled)), UsageEvent)


def test_a_record_that_cannot_be_read_does_not_hold_its_reader() -> None:
    record = usage_event(event_id())
    strange = pack_frame(msgspec.msgpack.encode([7, event_id()]))
    data = (bytes(HEADER_BYTES) + strange + pack_frame(_encode(record))).ljust(4096, b"\0")
    scan = Scan()
    with pytest.raises(msgspec.ValidationError):
        list(read_frames(data, scan))
    assert list(read_frames(data, scan)) == [record]


@given(place=st.integers(0, 2000), bit=st.integers(0, 7))
def test_one_flipped_bit_never_makes_a_record_of_other_content(place: int, bit: int) -> None:
    records = [usage_event(event_id()) for _ in range(4)]
    data = bytearray(_segment(*records, size=4096))
    data[HEADER_BYTES + place] ^= 1 << bit
    scan = Scan()
    payloads = list(read_payloads(bytes(data), scan, len(data)))
    assert [decode_record(payload) for payload in payloads] == records[: len(payloads)]


def test_the_next_intact_frame_is_found_behind_a_damaged_one() -> None:
    first, second = open_record(event_id()), usage_event(event_id())
    broken = bytearray(pack_frame(_encode(first)))
    broken[40] ^= 1
    data = bytes(broken) + pack_frame(_encode(second)) + bytes(100)
    assert next_frame(data) == len(broken)
    assert next_frame(data, len(broken) + 1) is None


def test_a_half_written_record_is_no_frame() -> None:
    assert next_frame(bytes(FRAME.size) + _encode(usage_event(event_id()))) is None


def test_a_header_comes_back_and_garbage_is_none() -> None:
    header = SegmentHeader(1, b"i" * 16, 7, 1_780_000_000_000)
    assert unpack_header(pack_header(header)) == header
    assert len(pack_header(header)) == HEADER_BYTES
    assert unpack_header(b"TPJ1") is None
    assert unpack_header(bytes(HEADER_BYTES)) is None


def test_segments_are_listed_in_the_order_they_were_written(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        (tmp_path / segment_name(number)).touch()
    (tmp_path / "00000003.seg.unreadable").touch()
    assert [path.name for path in segments_of(tmp_path)] == ["00000001.seg", "00000002.seg", "00000010.seg"]


def test_a_folders_lock_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    held = lock_folder(tmp_path)
    assert held is not None
    assert lock_folder(tmp_path) is None
    os.close(held)
    again = lock_folder(tmp_path)
    assert again is not None
    os.close(again)


def test_the_support_flips_one_bit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\0\0")
    flip_bit(path, 1, 3)
    assert path.read_bytes() == b"\0\x08"
