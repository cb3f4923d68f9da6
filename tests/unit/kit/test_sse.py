"""Server-sent events: the standard's rules, and that where a read ends never matters."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.kit.sse import SseEvent, SseOverflow, SseParser, encode_sse

STREAM = (
    b"\xef\xbb\xbf: hello\n"
    b"event: start\r\ndata: one\r\ndata:two\r\nid: 7\r\n\r\n"
    b"data\rdata\r\r"
    b"retry: 1500\nunknown: x\ndata: \xc3\xa9\xff\n\n"
    b"event: nothing\n\n"
    b"data:  spaced\n\n"
    b"data: unfinished"
)
EVENTS = [
    SseEvent("one\ntwo", "start", "7"),
    SseEvent("\n", "", "7"),
    SseEvent("é\N{REPLACEMENT CHARACTER}", "", "7", 1500),
    SseEvent(" spaced", "", "7"),
]


def parse(chunks: list[bytes]) -> list[SseEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def test_the_standards_rules_hold_for_a_whole_stream() -> None:
    assert parse([STREAM]) == EVENTS


@given(st.lists(st.integers(0, 500), max_size=12))
def test_where_a_read_ends_changes_nothing(places: list[int]) -> None:
    assert parse(cut(STREAM, places)) == EVENTS


def test_byte_by_byte_gives_the_same_events() -> None:
    assert parse([STREAM[i : i + 1] for i in range(len(STREAM))]) == EVENTS


@given(
    st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r")), min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\r\n\0"), max_size=8),
    st.lists(st.integers(0, 2000), max_size=6),
)
def test_what_is_encoded_is_read_back(payloads: list[str], kind: str, places: list[int]) -> None:
    kind = kind.removeprefix(" ")
    stream = b"".join(encode_sse(payload, event=kind) for payload in payloads)
    assert [(event.data, event.event) for event in parse(cut(stream, places))] == [(p, kind) for p in payloads]


def test_ids_and_retries_are_encoded() -> None:
    (event,) = parse([encode_sse(b"x", event="e", event_id="9", retry_ms=20)])
    assert event == SseEvent("x", "e", "9", 20)


def test_a_type_of_two_lines_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="one line"):
        encode_sse("x", event="a\ndata: injected")


def test_an_id_with_a_null_is_ignored() -> None:
    assert parse([b"id: a\0b\ndata: x\n\n"]) == [SseEvent("x")]


@pytest.mark.parametrize("chunk", [b"data: " + b"x" * 200, b"data: " + b"x" * 40 + b"\n"])
def test_an_event_beyond_the_bound_is_refused(chunk: bytes) -> None:
    with pytest.raises(SseOverflow):
        SseParser(max_event_bytes=100).feed(chunk * 4)
