"""What is written in Gemini's form and read back is the same: requests, answers whole and streamed in both framings."""

import json
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.wire.dialect import Dialect, Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.dialects.gemini import GEMINI
from turnpike.wire.profiles import quirks as q
from turnpike.wire.types.conversation import (
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    ReasoningConfig,
    Request,
    Response,
    ResponseFormat,
    SafetyRating,
    StopReason,
    TextPart,
    TokenLogprob,
    ToolCall,
    ToolResult,
    TopLogprob,
)
from turnpike.wire.types.stream import Event, collect, events_of
from turnpike.wire.types.usage import MediaUsage, Usage

from .strategies import answers, arguments, base64_data, ids, json_values, names, requests, text

TARGET = Target("m")
EVENTS, ARRAYS = GEMINI, GEMINI.form_for({})[0]
BOTH = pytest.mark.parametrize("dialect", [EVENTS, ARRAYS], ids=["events", "array"])
CUTS = st.lists(st.integers(0, 100_000), max_size=10)


def through(request: Request, target: Target = TARGET) -> Request:
    read = GEMINI.read_request(GEMINI.write_request(request, target))
    assert isinstance(read, Request)
    return read


def linked(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Each call with an id of its own and each result with that of a call before it: a result names its function."""
    out: list[Message] = []
    made = 0
    for message in messages:
        if message.role == "tool":
            calls = [part for part in out[-1].parts if isinstance(part, ToolCall)]
            results = [part for part in message.parts if isinstance(part, ToolResult)]
            pairs = zip(calls, results, strict=False)
            parts = tuple(msgspec.structs.replace(result, call_id=call.id) for call, result in pairs)
            if parts:
                out.append(Message("tool", parts))
            continue
        parts = tuple(_numbered(_unnamed(part), made + place) for place, part in enumerate(message.parts))
        made += len(parts)
        out.append(Message(message.role, parts))
    return tuple(out)


def _nameless(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Gemini keeps no names of files."""
    return tuple(Message(message.role, tuple(_unnamed(part) for part in message.parts)) for message in messages)


def _unnamed(part: Part) -> Part:
    return msgspec.structs.replace(part, name=None) if isinstance(part, FilePart) else part


def _numbered(part: Part, number: int) -> Part:
    return msgspec.structs.replace(part, id=f"call_{number}") if isinstance(part, ToolCall) else part


@given(request_=requests(errors=True))
def test_a_request_survives(request_: Request) -> None:
    request_.messages = linked(request_.messages)
    request_.parallel_tool_calls = None
    if not request_.tools:
        request_.tool_choice = None
    expected = msgspec.structs.replace(request_, model="", stream=False, user=None)
    fmt = request_.response_format
    if fmt is not None:
        expected.response_format = ResponseFormat("json_schema", fmt.json_schema)
    if request_.tool_choice is not None and request_.tool_choice.mode == "tool":
        request_.tool_choice = expected.tool_choice = msgspec.structs.replace(
            request_.tool_choice, name=request_.tools[0].name
        )
    assert through(request_) == expected


@given(request_=requests())
def test_a_conversation_survives_gemini_between_the_others(request_: Request) -> None:
    request_.messages = linked(request_.messages)
    for name in ("openai_chat", "anthropic_messages"):
        dialect = DIALECTS[name]
        back = dialect.read_request(
            dialect.write_request(through(Request(model="m", messages=request_.messages)), TARGET)
        )
        assert isinstance(back, Request)
        assert _nameless(back.messages) == request_.messages


@given(text, base64_data, st.sampled_from(("mp3", "wav", "flac", "pcm16")), ids, arguments)
def test_media_and_media_in_results_survive(said: str, data: str, sound: str, call_id: str, args: str) -> None:
    image = ImagePart(data=data, media_type="image/webp")
    film = FilePart(data=data, media_type="video/mp4")
    own = FilePart(file_id="files/abc-1", media_type="application/pdf")
    messages = (
        Message("user", (AudioPart(data, sound), film, own, ImagePart(file_id="files/x"), TextPart(said))),
        Message("assistant", (ToolCall(call_id, "look", args),)),
        Message("tool", (ToolResult(call_id, (TextPart(said), image)),)),
    )
    assert through(Request(model="m", messages=messages)).messages == messages


@given(json_values, json_values)
def test_what_a_function_returned_is_text_or_json_again(one: object, other: object) -> None:
    texts = [json.dumps(one), json.dumps({"a": other}), json.dumps({"output": other}), json.dumps({"error": one})]
    calls = tuple(ToolCall(f"call_{i}", "f", "{}") for i in range(len(texts)))
    results = tuple(ToolResult(call.id, (TextPart(said),)) for call, said in zip(calls, texts, strict=True))
    messages = (Message("assistant", calls), Message("tool", results))
    assert through(Request(model="m", messages=messages)).messages == messages


@given(st.permutations(range(4)))
def test_results_without_ids_are_matched_by_name_and_order(order: list[int]) -> None:
    calls = tuple(ToolCall(f"id_{i}", ("f", "g")[i % 2], "{}") for i in range(4))
    results = tuple(ToolResult(f"id_{i}", (TextPart(f"of {i}"),)) for i in order)
    target = Target("m", quirks=frozenset((q.NO_CALL_IDS,)))
    read = through(Request(model="m", messages=(Message("assistant", calls), Message("tool", results))), target)
    made = [part.id for part in read.messages[0].parts if isinstance(part, ToolCall)]
    returned = {part.call_id: part.parts[0] for part in read.messages[1].parts if isinstance(part, ToolResult)}
    assert len(set(made)) == 4
    assert [returned[call_id] for call_id in made] == [TextPart(f"of {i}") for i in range(4)]


@pytest.mark.parametrize(
    ("model", "config", "read"),
    [
        ("gemini-3-pro", ReasoningConfig("high"), ReasoningConfig("high", display="summarized")),
        ("gemini-3-pro", ReasoningConfig("minimal"), ReasoningConfig("low", display="summarized")),
        ("gemini-3.5-flash", ReasoningConfig("max"), ReasoningConfig("high", display="summarized")),
        ("gemini-3-flash", ReasoningConfig(mode="disabled"), ReasoningConfig("minimal", display="omitted")),
        ("gemini-2.5-flash", ReasoningConfig("low"), ReasoningConfig(None, 2048, "enabled", "summarized")),
        ("gemini-2.5-pro", ReasoningConfig("none"), ReasoningConfig(None, 128, "enabled")),
        ("gemini-2.5-flash", ReasoningConfig("none"), ReasoningConfig(None, None, "disabled")),
        ("gemini-2.0-flash", ReasoningConfig("high"), None),
        ("gemini-2.5-flash", ReasoningConfig(mode="adaptive"), ReasoningConfig(None, None, "adaptive", "summarized")),
        ("m", ReasoningConfig(budget_tokens=999), ReasoningConfig(None, 999, "enabled", "summarized")),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    model: str, config: ReasoningConfig, read: ReasoningConfig | None
) -> None:
    assert through(Request(model="m", messages=(), reasoning=config), Target(model)).reasoning == read


# ---- answers


def gemini_usages() -> st.SearchStrategy[Usage]:
    """Of the kinds that Gemini reports; a total holds its parts."""
    count = st.integers(0, 2**30)
    return st.builds(
        lambda fresh, read, audio_in, images, thought, said, audio_out: Usage(
            input_tokens=fresh + read + audio_in + images,
            output_tokens=thought + said + audio_out,
            cache_read_tokens=read,
            reasoning_tokens=thought,
            input_audio_tokens=audio_in,
            output_audio_tokens=audio_out,
            media=MediaUsage(input_image_tokens=images) if images else None,
        ),
        count, count, count, count, count, count, count,
    )  # fmt: skip


@st.composite
def gemini_answers(draw: st.DrawFn) -> Response:
    answer = draw(answers())
    answer.usage = draw(gemini_usages())
    parts = list(answer.parts)
    place = next((i for i, part in enumerate(parts) if isinstance(part, TextPart)), None)
    if place is not None and draw(st.booleans()):
        said = parts[place]
        assert isinstance(said, TextPart)
        end = draw(st.integers(1, len(said.text)))
        cited = Citation(url="https://example.com/" + draw(names), title=draw(text), start=0, end=end)
        parts[place] = msgspec.structs.replace(
            said, citations=(cited,), logprobs=draw(logprobs), signature=draw(st.none() | base64_data)
        )
    answer.parts = tuple(parts)
    if draw(st.booleans()):
        answer.parts = (*answer.parts, ToolCall("call_9", "sign", "{}", signature=draw(base64_data)))
        answer.stop_reason = StopReason.TOOL_CALLS
    answer.safety = tuple(draw(st.lists(st.builds(SafetyRating, names, names, st.booleans()), max_size=2)))
    return answer


likely = st.floats(-50, 0)
logprobs = st.lists(
    st.builds(
        lambda token, value, top: TokenLogprob(token, value, top=tuple(top)),
        text,
        likely,
        st.lists(st.builds(TopLogprob, text, likely), min_size=1, max_size=2),
    ),
    max_size=3,
).map(tuple)


def streamed(dialect: Dialect, events: list[Event]) -> bytes:
    writer = dialect.writer(dialect.read_head(b"{}"), "m")
    return b"".join(writer.write(event) for event in events)


def read_back(stream: bytes, places: list[int]) -> list[Event]:
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    reader = GEMINI.reader()
    events = [event for a, b in pairwise(edges) for event in reader.feed(stream[a:b])]
    return events + reader.end()


def same(read: Response, written: Response) -> None:
    for name in ("id", "parts", "stop_reason", "usage", "safety"):
        assert getattr(read, name) == getattr(written, name), name
    assert read.model == "m"


@given(answer=gemini_answers())
def test_an_answer_survives(answer: Response) -> None:
    read = GEMINI.read_response(GEMINI.write_response(answer, "m"))
    assert isinstance(read, Response)
    same(read, answer)


@BOTH
@given(answer=gemini_answers(), places=CUTS)
def test_a_streamed_answer_survives_wherever_it_is_cut(dialect: Dialect, answer: Response, places: list[int]) -> None:
    stream = streamed(dialect, events_of(answer))
    if dialect is ARRAYS:
        assert isinstance(json.loads(stream), list)
    events = read_back(stream, places)
    same(collect(events), answer)
    assert events == read_back(stream, [])


@given(answer=gemini_answers(), places=CUTS)
def test_usage_of_a_stream_is_the_usage_of_the_whole_answer(answer: Response, places: list[int]) -> None:
    whole = GEMINI.read_usage(GEMINI.write_response(answer, "m"))
    stream = streamed(GEMINI, events_of(answer))
    tail = GEMINI.tail(GEMINI.read_head(b"{}"))
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    passed = b"".join(tail.feed(stream[a:b]) for a, b in pairwise(edges)) + tail.end()
    assert passed == stream
    assert tail.finished
    assert whole == answer.usage == tail.usage


@given(answer=gemini_answers(), places=CUTS)
def test_events_that_pass_become_an_array_for_who_wants_one(answer: Response, places: list[int]) -> None:
    stream = streamed(GEMINI, events_of(answer))
    tail = ARRAYS.tail(ARRAYS.read_head(b"{}"))
    edges = [0, *sorted({place % (len(stream) + 1) for place in places}), len(stream)]
    array = b"".join(tail.feed(stream[a:b]) for a, b in pairwise(edges)) + tail.end()
    said = [json.loads(line.removeprefix("data: ")) for line in stream.decode().split("\n") if line.startswith("data")]
    assert json.loads(array) == said
    assert tail.usage == answer.usage


@given(thought=text, signature=text, hidden=text)
def test_what_another_provider_signed_or_hid_comes_back_to_it_unchanged(
    thought: str, signature: str, hidden: str
) -> None:
    parts = (Reasoning(thought, signature), Reasoning(redacted=hidden), TextPart("x"))
    written = json.loads(GEMINI.write_response(Response(id="i", model="m", parts=parts), "m"))
    contents = [{"role": "user", "parts": [{"text": "?"}]}, written["candidates"][0]["content"]]
    again = json.dumps({"contents": contents}).replace("+", "-").replace("/", "_")  # as Google's SDK writes base64
    read = GEMINI.read_request(again.encode())
    assert isinstance(read, Request)
    assert [(p.signature, p.redacted) for p in read.messages[1].parts if isinstance(p, Reasoning)] == [
        (signature, None),
        (None, hidden),
    ]
    assert b"turnpike" not in GEMINI.write_request(read, TARGET)
    assert b"thoughtSignature" not in GEMINI.write_request(read, TARGET), "Gemini gets none but its own"
