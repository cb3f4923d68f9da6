"""Amazon's event stream: what is written is read, cut anywhere; no flipped bit goes unnoticed; AWS's own SDK reads it
and is read."""

import struct
import zlib

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from turnpike.kit.eventstream import EventMessage, EventStreamDecoder, EventStreamError, encode_message

names = st.text(min_size=1, max_size=20)
headers = st.dictionaries(names, st.text(max_size=40), max_size=3)
messages = st.lists(st.builds(EventMessage, headers, st.binary(max_size=60)), min_size=1, max_size=3)


def written(all_of: list[EventMessage]) -> bytes:
    return b"".join(encode_message(message.headers, message.payload) for message in all_of)


@given(messages, st.data())
def test_messages_cut_anywhere_are_read_whole(all_of: list[EventMessage], data: st.DataObject) -> None:
    raw = written(all_of)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    decoder = EventStreamDecoder()
    found: list[EventMessage] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        found += decoder.feed(raw[start:end])
    assert found == all_of
    assert decoder.rest == 0


@given(messages, st.data())
def test_any_flipped_bit_is_noticed(all_of: list[EventMessage], data: st.DataObject) -> None:
    """Damage is an error, or a message that never becomes whole: never another message."""
    raw = bytearray(written(all_of))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= 1 << data.draw(st.integers(0, 7))
    decoder = EventStreamDecoder()
    with pytest.raises(EventStreamError):
        decoder.feed(bytes(raw))


@given(messages)
def test_awss_own_decoder_reads_what_we_write(all_of: list[EventMessage]) -> None:
    buffer = EventStreamBuffer()
    buffer.add_data(written(all_of))
    assert [(dict(event.headers), event.payload) for event in buffer] == [
        (dict(message.headers), message.payload) for message in all_of
    ]


def test_headers_of_other_types_are_stepped_over() -> None:
    """Boolean, byte, short, integer, long, bytes, timestamp, uuid, and then a text."""
    others = b"".join(
        bytes((1,)) + b"x" + bytes((kind,)) + value
        for kind, value in ((0, b""), (1, b""), (2, b"1"), (3, b"12"), (4, b"1234"), (5, b"12345678"),
                            (6, b"\x00\x02ab"), (8, b"12345678"), (9, b"1234567812345678"))
    )  # fmt: skip
    plain = encode_message({"name": "value"}, b"body")
    header = plain[12 : 12 + int.from_bytes(plain[4:8], "big")]
    assert EventStreamDecoder().feed(_framed(others + header, b"body")) == [EventMessage({"name": "value"}, b"body")]


@pytest.mark.parametrize("raw_headers", [b"\x01x\x0a", b"\x05ab", b"\x01x\x07\x00\x09ab", b"\x01x\x07\x00\x01\xff"])
def test_headers_that_cannot_be_are_an_error(raw_headers: bytes) -> None:
    with pytest.raises(EventStreamError):
        EventStreamDecoder().feed(_framed(raw_headers, b""))


def test_a_message_beyond_all_bounds_is_refused_before_it_is_kept() -> None:
    prelude = struct.pack(">II", 2**31, 0)
    with pytest.raises(EventStreamError, match="cannot be"):
        EventStreamDecoder().feed(prelude + struct.pack(">I", zlib.crc32(prelude)))


def _framed(raw_headers: bytes, payload: bytes) -> bytes:
    prelude = struct.pack(">II", 16 + len(raw_headers) + len(payload), len(raw_headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + raw_headers + payload
    return message + struct.pack(">I", zlib.crc32(message))
