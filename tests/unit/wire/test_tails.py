"""Watching a stream of the caller's own dialect go by: bytes unchanged, usage found wherever reads end."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire.dialect import Tail
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.common.watching import WINDOW
from turnpike.wire.types.usage import Usage

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
ASKED = OPENAI.read_head(b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}')
UNASKED = OPENAI.read_head(b'{"model":"m","stream":true}')
MESSAGES = ANTHROPIC.read_head(b'{"model":"m","stream":true,"max_tokens":5}')

places = st.lists(st.integers(0, 100_000), max_size=12)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[a:b] for a, b in pairwise(edges)]


def run(tail: Tail, chunks: list[bytes]) -> bytes:
    return b"".join(tail.feed(chunk) for chunk in chunks) + tail.end()


def chunk(*, spaced: bool = False, **members: Any) -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    separators = (", ", ": ") if spaced else (",", ":")
    return b"data: " + json.dumps({**base, **members}, separators=separators).encode()


def delta(text: str) -> list[dict[str, Any]]:
    return [{"index": 0, "delta": {"content": text}, "finish_reason": None}]


REPORTED = {
    "prompt_tokens": 30,
    "completion_tokens": 9,
    "total_tokens": 39,
    "prompt_tokens_details": {"cached_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
USAGE = Usage(30, 9, 10, reasoning_tokens=4)
NASTY = [
    '"usage":{"prompt_tokens":1}',
    "[DONE]",
    "data: [DONE]\n\n",
    "event: message_stop\n\n",
    '"error":{',
    "\\",
    "é☃",
]


def openai_stream(end: bytes, *, spaced: bool = False, count: int = 3) -> tuple[bytes, bytes, bytes]:
    """What comes before the usage chunk, that chunk, and what comes after."""
    texts = [*NASTY, *(f"word {number}" for number in range(count))]
    before = b"".join(chunk(spaced=spaced, choices=delta(text), usage=None) + end for text in texts)
    finish = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
    before += chunk(spaced=spaced, choices=finish, usage=None) + end
    return before, chunk(spaced=spaced, choices=[], usage=REPORTED) + end, b"data: [DONE]" + end


ENDS = pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"], ids=["lf", "crlf"])
SPACED = pytest.mark.parametrize("spaced", [False, True], ids=["compact", "spaced"])


@ENDS
@SPACED
@given(at=places)
def test_a_caller_who_asked_gets_every_byte(end: bytes, spaced: bool, at: list[int]) -> None:
    stream = b"".join(openai_stream(end, spaced=spaced))
    tail = OPENAI.tail(ASKED)
    chunks = cut(stream, at)
    assert [tail.feed(piece) for piece in chunks] == chunks
    assert tail.end() == b""
    assert (tail.usage, tail.finished, tail.error, tail.output_bytes) == (USAGE, True, None, len(stream))


@ENDS
@SPACED
@given(at=places)
def test_a_caller_who_did_not_ask_gets_every_byte_but_the_usage_chunk(end: bytes, spaced: bool, at: list[int]) -> None:
    before, usage, after = openai_stream(end, spaced=spaced)
    tail = OPENAI.tail(UNASKED)
    assert run(tail, cut(before + usage + after, at)) == before + after
    assert (tail.usage, tail.finished, tail.error) == (USAGE, True, None)


@given(at=places)
def test_usage_in_a_chunk_with_choices_goes_on_and_is_read(at: list[int]) -> None:
    stream = chunk(choices=delta("x"), usage=REPORTED) + b"\n\ndata: [DONE]\n\n"
    tail = OPENAI.tail(UNASKED)
    assert run(tail, cut(stream, at)) == stream
    assert tail.usage == USAGE


def test_the_last_of_several_usages_holds() -> None:
    early = {**REPORTED, "completion_tokens": 1}
    tail = OPENAI.tail(ASKED)
    tail.feed(chunk(choices=delta("a"), usage=early) + b"\n\n" + chunk(choices=delta("b"), usage=early) + b"\n\n")
    assert tail.usage == Usage(30, 1, 10, reasoning_tokens=4)
    tail.feed(chunk(choices=[], usage=REPORTED) + b"\n\n")
    assert tail.usage == USAGE


def test_a_whole_event_is_never_held_back() -> None:
    tail = OPENAI.tail(UNASKED)
    event = chunk(choices=delta("x"), usage=None) + b"\n\n"
    assert tail.feed(event) is event
    assert tail.feed(event[:-1]) == event[:-1]
    assert tail.feed(b"\n") == b"\n"
    assert tail.feed(event[:20]) == b""
    assert tail.feed(event[20:-1]) == event[:-1]


def test_a_stream_that_breaks_off_is_not_finished_and_loses_nothing() -> None:
    before, usage, _ = openai_stream(b"\n\n")
    tail = OPENAI.tail(UNASKED)
    assert tail.feed(before + usage[:30]) + tail.end() == before + usage[:30]
    assert not tail.finished
    assert tail.usage is None


def test_a_stream_without_its_last_blank_line_is_understood() -> None:
    before, usage, _ = openai_stream(b"\n\n")
    tail = OPENAI.tail(UNASKED)
    assert run(tail, [before + usage + b"data: [DONE]"]) == before + b"data: [DONE]"
    assert tail.finished
    tail = OPENAI.tail(UNASKED)
    assert run(tail, [before, usage[:-2]]) == before
    assert tail.usage == USAGE


@given(at=places)
def test_long_reads_and_events_beyond_the_window_pass_unchanged(at: list[int]) -> None:
    long = chunk(choices=delta("y" * (3 * WINDOW)), usage=None) + b"\n\n"
    before, usage, after = openai_stream(b"\n\n", count=300)
    stream = long + before + long + usage + after
    tail = OPENAI.tail(UNASKED)
    assert run(tail, cut(stream, at)) == long + before + long + after
    assert tail.usage == USAGE
    assert tail.finished


@given(at=places)
def test_an_error_event_is_seen_and_goes_on(at: list[int]) -> None:
    error = b'data: {"error":{"message":"overloaded, key sk-abcdef123456","code":529,"type":"server_error"}}\n\n'
    stream = chunk(choices=delta("x"), error=None) + b"\n\n" + error
    tail = OPENAI.tail(UNASKED)
    assert run(tail, cut(stream, at)) == stream
    assert tail.error is not None
    assert (tail.error.status, tail.error.message) == (529, "overloaded, key [removed]")
    assert not tail.finished


# ---- Anthropic


def event(kind: str, end: bytes, **members: Any) -> bytes:
    line = end[: len(end) // 2]
    return b"event: " + kind.encode() + line + b"data: " + json.dumps({"type": kind, **members}).encode() + end


def anthropic_stream(end: bytes, count: int = 3) -> bytes:
    start = {"input_tokens": 20, "cache_read_input_tokens": 10, "cache_creation_input_tokens": 0, "output_tokens": 1}
    texts = [*NASTY, "message_delta", "message_start", "message_stop", *(f"word {n}" for n in range(count))]
    stream = event("message_start", end, message={"id": "m", "role": "assistant", "content": [], "usage": start})
    stream += event("ping", end)
    for text in texts:
        stream += event("content_block_delta", end, index=0, delta={"type": "text_delta", "text": text})
    details = {"thinking_tokens": 4}
    last = {"output_tokens": 9, "output_tokens_details": details}
    stream += event("message_delta", end, delta={"stop_reason": "end_turn"}, usage=last)
    return stream + event("message_stop", end)


@ENDS
@given(at=places)
def test_an_anthropic_stream_passes_unchanged_and_its_usage_is_found(end: bytes, at: list[int]) -> None:
    stream = anthropic_stream(end)
    tail = ANTHROPIC.tail(MESSAGES)
    chunks = cut(stream, at)
    assert [tail.feed(piece) for piece in chunks] == chunks
    assert tail.end() == b""
    assert (tail.usage, tail.finished, tail.error, tail.output_bytes) == (USAGE, True, None, len(stream))


@given(at=places)
def test_a_long_anthropic_stream_is_understood(at: list[int]) -> None:
    stream = anthropic_stream(b"\n\n", count=400)
    tail = ANTHROPIC.tail(MESSAGES)
    assert run(tail, cut(stream, at)) == stream
    assert (tail.usage, tail.finished) == (USAGE, True)


def test_an_anthropic_stream_that_breaks_off_keeps_what_was_reported() -> None:
    stream = anthropic_stream(b"\n\n")
    tail = ANTHROPIC.tail(MESSAGES)
    tail.feed(stream[: stream.index(b"event: message_delta\n")])
    assert tail.usage == Usage(30, 1, 10)
    assert not tail.finished


@given(at=places)
def test_an_anthropic_error_event_is_seen_and_goes_on(at: list[int]) -> None:
    stream = event("error", b"\n\n", error={"type": "overloaded_error", "message": "Overloaded"})
    tail = ANTHROPIC.tail(MESSAGES)
    assert run(tail, cut(stream, at)) == stream
    assert tail.error is not None
    assert (tail.error.status, tail.error.upstream_type, tail.error.message) == (529, "overloaded_error", "Overloaded")
    assert not tail.finished
