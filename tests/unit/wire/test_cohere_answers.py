"""Cohere's chat answers, whole and streamed wherever they are cut; its failures, and whatever else may come."""

import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.errors import RateLimited, TurnpikeError, UpstreamCut, UpstreamError
from turnpike.errors import UpstreamRefused as Refused
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import (
    Citation,
    Reasoning,
    Request,
    Response,
    StopReason,
    TextPart,
    TokenLogprob,
    ToolCall,
)
from turnpike.wire.types.stream import Event, Failed, collect, events_of
from turnpike.wire.types.usage import Usage

from .strategies import answers, calls, names, text

COHERE = DIALECTS["cohere_chat"]
OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
TARGET = Target("m")
HI: list[Any] = [{"role": "user", "content": "Hi"}]


def through(request: Request) -> Request:
    read = COHERE.read_request(COHERE.write_request(request, TARGET))
    assert isinstance(read, Request)
    return read


def read(body: dict[str, Any]) -> Request:
    request = COHERE.read_request(json.dumps({"model": "m", "messages": HI, **body}).encode())
    assert isinstance(request, Request)
    return request


def written(request: Request, model: str = "m") -> dict[str, Any]:
    return json.loads(COHERE.write_request(request, Target(model)))


def of_openai(body: dict[str, Any], model: str = "m") -> dict[str, Any]:
    asked = OPENAI.read_request(json.dumps({"model": "m", "messages": HI, **body}).encode())
    assert isinstance(asked, Request)
    return written(asked, model)


# ---- answers


@st.composite
def cohere_answers(draw: st.DrawFn) -> Response:
    """Thinking, then text with its citations, then calls."""
    answer = draw(answers())
    parts: list[Any] = []
    made = any(isinstance(part, ToolCall) for part in answer.parts)
    for part in answer.parts:
        match part:
            case Reasoning():
                parts.append(Reasoning(part.text))
            case TextPart() if not made:
                parts.append(TextPart(part.text, citations=tuple(draw(st.lists(citations(part.text), max_size=3)))))
            case _:
                parts.append(part)
    answer.parts = tuple(parts)
    if answer.stop_reason is StopReason.REFUSAL:
        answer.stop_reason = StopReason.STOP_SEQUENCE
    if answer.usage is not None:
        answer.usage = Usage(answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.cache_read_tokens)
    return answer


def citations(said: str) -> st.SearchStrategy[Citation]:
    return st.builds(
        lambda number, title, cited, end: Citation(document=number, title=title, cited_text=cited, start=0, end=end),
        st.integers(0, 9),
        st.none() | names,
        st.none() | text,
        st.integers(0, len(said)),
    )


def same(one: Response, other: Response) -> None:
    assert (one.id, one.parts, one.stop_reason, one.usage) == (other.id, other.parts, other.stop_reason, other.usage)


def stream_of(events: list[Event]) -> bytes:
    writer = COHERE.writer(COHERE.read_head(b'{"model":"m","stream":true}'), "m")
    return b"".join(writer.write(event) for event in events)


def events_from(stream: bytes, places: list[int]) -> list[Event]:
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    reader = COHERE.reader()
    events = [event for a, b in pairwise(edges) for event in reader.feed(stream[a:b])]
    return events + reader.end()


@given(answer=cohere_answers())
def test_an_answer_survives_the_form(answer: Response) -> None:
    body = COHERE.write_response(answer, "m")
    again = COHERE.read_response(body)
    assert isinstance(again, Response)
    same(again, answer)
    assert COHERE.read_usage(body) == answer.usage


@given(answer=cohere_answers(), places=st.lists(st.integers(0, 100_000), max_size=10))
def test_a_streamed_answer_survives_the_form_wherever_it_is_cut(answer: Response, places: list[int]) -> None:
    stream = stream_of(events_of(answer))
    events = events_from(stream, places)
    same(collect(events), answer)
    assert events == events_from(stream, [])


@given(answer=cohere_answers(), places=st.lists(st.integers(0, 100_000), max_size=10))
def test_the_tail_counts_what_the_reader_counts(answer: Response, places: list[int]) -> None:
    stream = stream_of(events_of(answer))
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    tail = COHERE.tail(COHERE.read_head(b'{"model":"m","stream":true}'))
    passed = b"".join(tail.feed(stream[a:b]) for a, b in pairwise(edges)) + tail.end()
    assert passed == stream
    assert (tail.usage, tail.finished, tail.error) == (answer.usage, True, None)


@given(answer=cohere_answers())
def test_an_answer_reaches_callers_of_the_other_forms(answer: Response) -> None:
    whole = COHERE.read_response(COHERE.write_response(answer, "m"))
    events = events_from(stream_of(events_of(answer)), [])
    for other in (OPENAI, ANTHROPIC):
        read_again = other.read_response(other.write_response(whole, "m"))
        assert isinstance(read_again, Response)
        writer = other.writer(other.read_head(b'{"model":"m","stream":true,"max_tokens":5,"messages":[]}'), "m")
        reader = other.reader()
        streamed = collect([found for event in events for found in reader.feed(writer.write(event))])
        plain = [part for part in read_again.parts if isinstance(part, (TextPart, ToolCall))]
        assert [part for part in streamed.parts if isinstance(part, (TextPart, ToolCall))] == plain


@given(st.lists(st.builds(TokenLogprob, text, st.floats(-20, 0)), min_size=1, max_size=4))
def test_log_probabilities_survive_the_form(found: list[TokenLogprob]) -> None:
    answer = Response(id="i", model="", parts=(TextPart("".join(one.token for one in found), logprobs=tuple(found)),))
    again = COHERE.read_response(COHERE.write_response(answer, "m"))
    assert isinstance(again, Response)
    assert again.parts == answer.parts
    assert collect(events_from(stream_of(events_of(answer)), [])).parts == answer.parts


def test_an_answer_as_cohere_writes_it() -> None:
    body = {
        "id": "abc",
        "finish_reason": "COMPLETE",
        "message": {
            "role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "It is warm."}],
            "citations": [
                {"start": 6, "end": 10, "text": "warm", "type": "TEXT_CONTENT", "content_index": 1,
                 "sources": [{"type": "document", "id": "doc:1", "document": {"title": "T", "snippet": "20 C"}},
                             {"type": "tool", "id": "get:0", "tool_output": {"t": 20}}]},
                {"start": 0, "end": 2, "text": "hm", "type": "PLAN", "sources": []},
            ],
        },
        "usage": {"billed_units": {"input_tokens": 5.0, "output_tokens": 7}, "tokens": {"input_tokens": 70},
                  "cached_tokens": 2},
    }  # fmt: skip
    answer = COHERE.read_response(json.dumps(body).encode())
    assert isinstance(answer, Response)
    assert answer.parts == (
        Reasoning("hm"),
        TextPart(
            "It is warm.",
            citations=(
                Citation(title="T", document=1, cited_text="20 C", start=6, end=10),
                Citation(file_id="get:0", cited_text='{"t":20}', start=6, end=10),
            ),
        ),
    )
    assert answer.usage == Usage(5, 7, 2)


def test_citations_may_come_behind_the_end_of_their_text() -> None:
    stream = sse(
        {"type": "message-start", "id": "i"},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "warm"}}}},
        {"type": "content-end", "index": 0},
        {"type": "citation-start", "index": 0, "delta": {"message": {"citations": {
            "start": 0, "end": 4, "sources": [{"type": "document", "id": "doc:0"}]}}}},
        {"type": "citation-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
    )  # fmt: skip
    assert collect(events_from(stream, [])).parts == (
        TextPart("warm", citations=(Citation(document=0, start=0, end=4),)),
    )


def test_a_plan_and_calls_as_cohere_streams_them() -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    stream = sse(
        {"type": "message-start", "id": "i"},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "I "}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "look."}}},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call}}},
        {
            "type": "tool-call-delta",
            "index": 0,
            "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}},
        },
        {"type": "tool-call-end", "index": 0},
        {
            "type": "message-end",
            "delta": {"finish_reason": "TOOL_CALL", "usage": {"billed_units": {"input_tokens": 1}}},
        },
    )
    answer = collect(events_from(stream, []))
    assert answer.parts == (TextPart("I look."), ToolCall("c", "f", "{}"))
    assert (answer.stop_reason, answer.usage) == (StopReason.TOOL_CALLS, Usage(1, 0))


# ---- failures


def sse(*events: dict[str, Any]) -> bytes:
    return b"".join(b"event: %s\ndata: %s\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)


@pytest.mark.parametrize(("reason", "status"), [("ERROR", 502), ("TIMEOUT", 504)])
def test_a_failure_with_a_good_status_is_one(reason: str, status: int) -> None:
    with pytest.raises(Refused) as caught:
        COHERE.read_response(json.dumps({"id": "i", "finish_reason": reason, "message": {}}).encode())
    assert caught.value.status == status

    stream = sse({"type": "message-start"}, {"type": "message-end", "delta": {"finish_reason": reason, "error": "no"}})
    last = events_from(stream, [])[-1]
    assert isinstance(last, Failed)
    assert (last.status, last.message) == (status, "no")
    tail = COHERE.tail(COHERE.read_head(b'{"model":"m"}'))
    tail.feed(stream)
    assert tail.error is not None


def test_a_stream_that_breaks_off_is_cut() -> None:
    reader = COHERE.reader()
    reader.feed(sse({"type": "message-start"}))
    with pytest.raises(UpstreamCut):
        reader.end()


def test_errors_are_written_in_the_form() -> None:
    error = RateLimited("Slow down.", retry_after_s=3)
    assert json.loads(COHERE.write_error(error, "r1")) == {"id": "r1", "message": "Slow down."}
    event = COHERE.write_stream_error(error, "r1")
    assert event.startswith(b"event: message-end\n")
    assert b'"finish_reason":"ERROR","error":"Slow down."' in event


def test_coheres_errors_are_read() -> None:
    refused = COHERE.read_error(429, b'{"id": "x", "message": "You are past the per minute request limit"}')
    assert (refused.status, refused.message) == (429, "You are past the per minute request limit")


WORDS = """
role content type text thinking image_url url tool_calls function name arguments id tool_call_id document data sources
citations start end content_index usage billed_units input_tokens delta message
""".split()  # noqa: SIM905
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**70) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
FIELDS = """
messages tools documents tool_choice response_format thinking stop_sequences k p stream logprobs
""".split()  # noqa: SIM905
KINDS = """
message-start content-start content-delta tool-plan-delta tool-call-start citation-start message-end x
""".split()  # noqa: SIM905


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(FIELDS), anything))
def test_whatever_a_caller_writes_gets_an_answer(body: dict[str, Any]) -> None:
    data = msgspec.json.encode({"model": "m", "messages": HI, **body})
    try:
        request = COHERE.read_request(data)
        COHERE.write_request(request, TARGET)
    except TurnpikeError:
        pass


@settings(max_examples=200)
@given(anything, st.lists(st.tuples(st.sampled_from(KINDS), anything), max_size=5))
def test_whatever_a_provider_writes_is_an_answer_or_an_error(body: Any, events: list[tuple[str, Any]]) -> None:
    for attempt in ({"id": "i", "message": body}, body):
        try:
            COHERE.read_response(msgspec.json.encode(attempt))
        except UpstreamError:
            pass
    reader = COHERE.reader()
    try:
        for kind, delta in events:
            reader.feed(b"data: " + msgspec.json.encode({"type": kind, "delta": delta}) + b"\n\n")
        reader.end()
    except UpstreamError:
        pass


@given(calls)
def test_a_call_that_streams_its_arguments_in_pieces_is_whole(call: ToolCall) -> None:
    answer = Response(id="i", model="", parts=(call,), stop_reason=StopReason.TOOL_CALLS)
    stream = stream_of(events_of(answer))
    assert stream.count(b"event: tool-call-start") == stream.count(b"event: tool-call-end") == 1
    assert collect(events_from(stream, [])).parts == (call,)
