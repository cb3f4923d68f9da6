"""A conversation written in a dialect and read back is the same conversation; likewise answers, whole and streamed."""

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire.dialect import Dialect, Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.profiles import quirks as q
from turnpike.wire.types.conversation import (
    Message,
    Reasoning,
    Request,
    Response,
    StopReason,
    TextPart,
    ToolCall,
    ToolResult,
)
from turnpike.wire.types.stream import Event, PartClosed, PartOpened, TextDelta, collect, events_of
from turnpike.wire.types.usage import Usage

from .strategies import answers, arguments, base64_data, efforts, ids, images, marks, requests, text

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
RESPONSES = DIALECTS["openai_responses"]
ALL = (OPENAI, ANTHROPIC, RESPONSES)
EACH = pytest.mark.parametrize("dialect", ALL, ids=[dialect.name for dialect in ALL])
TARGET = Target("m")


def through(dialect: Dialect, request: Request, target: Target = TARGET) -> Request:
    read = dialect.read_request(dialect.write_request(request, target))
    assert isinstance(read, Request)
    return read


# ---- requests


def sayable(request: Request, dialect: Dialect) -> Request:
    """The request in the normal form of one dialect. Responses has items and no turns: what a model said in two
    messages on end is one; and it has no stop sequences."""
    if dialect is not RESPONSES:
        return request
    messages: list[Message] = []
    for message in request.messages:
        if messages and messages[-1].role == message.role == "assistant":
            messages[-1] = Message("assistant", messages[-1].parts + message.parts)
        else:
            messages.append(message)
    return msgspec.structs.replace(request, messages=tuple(messages), stop=(), store=False)


@EACH
@given(request_=requests())
def test_a_request_survives_each_dialect(dialect: Dialect, request_: Request) -> None:
    expected = request_ = sayable(request_, dialect)
    if dialect is ANTHROPIC and request_.response_format is not None:
        expected = Request(**{f: getattr(request_, f) for f in Request.__struct_fields__})
        fmt = request_.response_format
        expected.response_format = type(fmt)(
            "json_schema", fmt.json_schema
        )  # Anthropic's has no name, is always strict
    assert through(dialect, request_) == expected


@given(request_=requests())
def test_a_request_survives_both_dialects_one_after_the_other(request_: Request) -> None:
    request_.response_format = None
    assert through(ANTHROPIC, through(OPENAI, request_)) == request_
    assert through(OPENAI, through(ANTHROPIC, request_)) == request_


@given(request_=requests())
def test_a_request_survives_the_two_dialects_that_keep_the_order_of_what_a_model_said(request_: Request) -> None:
    request_ = sayable(request_, RESPONSES)
    request_.response_format = None
    assert through(RESPONSES, through(ANTHROPIC, request_)) == request_
    assert through(ANTHROPIC, through(RESPONSES, request_)) == msgspec.structs.replace(request_, store=None)


@given(request_=requests(errors=True))
def test_failed_results_survive_anthropics_form(request_: Request) -> None:
    request_.response_format = None
    assert through(ANTHROPIC, request_).messages == request_.messages


@given(text, base64_data, base64_data, ids, arguments, images)
def test_signed_and_redacted_thinking_and_images_in_results_survive_anthropics_form(
    thought: str, signature: str, redacted: str, call_id: str, args: str, image: object
) -> None:
    messages = (
        Message("user", (TextPart("?"),)),
        Message(
            "assistant",
            (Reasoning(thought, signature), Reasoning(redacted=redacted), ToolCall(call_id, "f", args)),
        ),
        Message("tool", (ToolResult(call_id, (TextPart("one"), image)),)),  # pyright: ignore[reportArgumentType]
    )
    request = Request(model="claude-opus-4-5", messages=messages, max_output_tokens=9)
    assert through(ANTHROPIC, request, Target("claude-opus-4-5")).messages == messages


@given(text, base64_data, base64_data, ids, arguments)
def test_signed_thinking_survives_openais_form_where_the_provider_takes_it(
    thought: str, signature: str, redacted: str, call_id: str, args: str
) -> None:
    thoughts = (Reasoning(thought, signature), Reasoning(redacted=redacted))
    messages = (Message("assistant", (*thoughts, TextPart("x"), ToolCall(call_id, "f", args))),)
    request = Request(model="m", messages=messages)
    target = Target("m", quirks=frozenset((q.REASONING_DETAILS_BACK,)))
    assert through(OPENAI, request, target).messages == messages
    assert not any(isinstance(part, Reasoning) for part in through(OPENAI, request).messages[0].parts)


@pytest.mark.parametrize("quirk", [q.REASONING_BACK, q.REASONING_CONTENT_BACK])
@given(thought=text)
def test_plain_reasoning_goes_back_where_the_provider_takes_it(quirk: str, thought: str) -> None:
    messages = (Message("assistant", (Reasoning(thought), TextPart("x"))),)
    request = Request(model="m", messages=messages)
    assert through(OPENAI, request, Target("m", quirks=frozenset((quirk,)))).messages == messages


@given(text, marks)
def test_cache_marks_survive_where_they_can_be_kept(said: str, mark: object) -> None:
    part = TextPart(said, mark)  # pyright: ignore[reportArgumentType]
    messages = (Message("system", (part,)), Message("user", (part, TextPart("y"))))
    request = Request(model="m", messages=messages, max_output_tokens=5)
    assert through(ANTHROPIC, request).messages == messages
    assert through(OPENAI, request, Target("m", quirks=frozenset((q.CACHE_CONTROL,)))).messages == messages
    bare = through(OPENAI, request).messages
    assert bare == (Message("system", (TextPart(said),)), Message("user", (TextPart(said), TextPart("y"))))


@given(efforts)
def test_effort_survives_both_dialects_for_a_model_that_knows_it(config: object) -> None:
    request = Request(model="m", messages=(), max_output_tokens=5, reasoning=config)  # pyright: ignore[reportArgumentType]
    opus = Target("claude-opus-4-8")
    assert through(OPENAI, request).reasoning == config
    read = through(ANTHROPIC, request, opus).reasoning
    assert read is not None
    assert read.effort == config.effort  # pyright: ignore[reportAttributeAccessIssue]
    assert read.mode == "adaptive"


# ---- answers


def stream_of(dialect: Dialect, events: list[Event]) -> bytes:
    asks = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    writer = dialect.writer(dialect.read_head(asks), "m")
    return b"".join(writer.write(event) for event in events)


def events_from(dialect: Dialect, stream: bytes, places: list[int]) -> list[Event]:
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    reader = dialect.reader()
    events = [event for a, b in pairwise(edges) for event in reader.feed(stream[a:b])]
    return events + reader.end()


def same(read: Response, written: Response) -> None:
    assert read.model == "m"
    assert (read.id, read.parts, read.stop_reason, read.usage) == (
        written.id,
        written.parts,
        written.stop_reason,
        written.usage,
    )


@EACH
@given(answer=answers())
def test_an_answer_survives_each_dialect(dialect: Dialect, answer: Response) -> None:
    read = dialect.read_response(dialect.write_response(answer, "m"))
    assert isinstance(read, Response)
    same(read, answer)


@EACH
@given(answer=answers(), places=st.lists(st.integers(0, 100_000), max_size=10))
def test_a_streamed_answer_survives_each_dialect_wherever_it_is_cut(
    dialect: Dialect, answer: Response, places: list[int]
) -> None:
    stream = stream_of(dialect, events_of(answer))
    events = events_from(dialect, stream, places)
    same(collect(events), answer)
    assert events == events_from(dialect, stream, [])


@given(answer=answers(), places=st.lists(st.integers(0, 100_000), max_size=6))
def test_a_stream_survives_both_dialects_one_after_the_other(answer: Response, places: list[int]) -> None:
    events = events_of(answer)
    for dialect in (OPENAI, ANTHROPIC, RESPONSES, OPENAI, RESPONSES, ANTHROPIC):
        events = events_from(dialect, stream_of(dialect, events), places)
    same(collect(events), answer)


@EACH
@given(answer=answers())
def test_usage_of_a_stream_is_the_usage_of_the_whole_answer(dialect: Dialect, answer: Response) -> None:
    whole = dialect.read_usage(dialect.write_response(answer, "m"))
    stream = stream_of(dialect, events_of(answer))
    tail = dialect.tail(dialect.read_head(b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'))
    tail.feed(stream)
    tail.end()
    assert whole == answer.usage == tail.usage == collect(events_from(dialect, stream, [])).usage


@EACH
@given(answer=answers())
def test_parts_open_once_in_order_and_close(dialect: Dialect, answer: Response) -> None:
    events = events_from(dialect, stream_of(dialect, events_of(answer)), [])
    opened = [event.index for event in events if isinstance(event, PartOpened)]
    closed = [event.index for event in events if isinstance(event, PartClosed)]
    assert opened == list(range(len(answer.parts)))
    assert sorted(closed) == opened
    assert all(event.text for event in events if isinstance(event, TextDelta))


@pytest.mark.parametrize("stop", list(StopReason))
def test_every_reason_to_stop_survives_anthropics_form(stop: StopReason) -> None:
    answer = Response(id="i", model="m", parts=(TextPart("x"),), stop_reason=stop, stop_sequence="s")
    read = ANTHROPIC.read_response(ANTHROPIC.write_response(answer, "m"))
    assert isinstance(read, Response)
    assert (read.stop_reason, read.stop_sequence) == (stop, "s")
    streamed = collect(events_from(ANTHROPIC, stream_of(ANTHROPIC, events_of(answer)), []))
    assert (streamed.stop_reason, streamed.stop_sequence) == (stop, "s")


def test_writes_of_an_hour_survive_anthropics_stream() -> None:
    usage = Usage(100, 5, 10, 20, 30, 2)
    answer = Response(id="i", model="m", parts=(TextPart("x"),), usage=usage)
    assert collect(events_from(ANTHROPIC, stream_of(ANTHROPIC, events_of(answer)), [])).usage == usage
