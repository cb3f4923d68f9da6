"""Converse: what is written is read back the same, requests and answers, whole and streamed, cut anywhere; errors are
known; the stream's checksums hold."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import Inexpressible, InvalidRequest, UpstreamCut, UpstreamGarbage, UpstreamRefused
from turnpike.kit.eventstream import encode_message
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import (
    AudioPart,
    CacheMark,
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
    StopReason,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from turnpike.wire.types.stream import Event, Failed, Finished, collect, events_of
from turnpike.wire.types.usage import Usage

from .strategies import answers, arguments, base64_data, counts, ids, marks, names, schemas, text

CONVERSE = DIALECTS["bedrock_converse"]
NOVA = Target("amazon.nova-pro-v1:0")
CLAUDE = Target("us.anthropic.claude-opus-4-5-20251101-v1:0")
HEAD = CONVERSE.read_head(b"{}")
words = text.filter(str.strip)
texts = st.builds(TextPart, words, st.none() | marks)
images = st.builds(
    lambda data, cache: ImagePart(data=data, media_type="image/webp", cache=cache), base64_data, st.none()
)
calls = st.builds(ToolCall, ids, names, arguments)
thoughts = st.builds(Reasoning, words, base64_data) | st.builds(lambda data: Reasoning(redacted=data), base64_data)
results = st.builds(
    lambda i, part, failed: ToolResult(i, (part,), failed), ids, st.builds(TextPart, words) | images, st.booleans()
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Sides that take turns, as Converse has them; results stand at the beginning of the user's turn."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message("system", (draw(texts),)))
    for _ in range(draw(st.integers(1, 3))):
        said: list[Part] = draw(st.lists(texts | images, min_size=1, max_size=3))
        messages.append(Message("user", tuple(said)))
        made: list[Part] = [*draw(st.lists(thoughts, max_size=2)), *draw(st.lists(texts, max_size=1))]
        made += draw(st.lists(calls, min_size=1, max_size=2))
        messages += (Message("assistant", tuple(made)), Message("tool", tuple(draw(st.lists(results, min_size=1)))))
        messages.append(Message("assistant", (draw(texts),)))
    return tuple(messages)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    request = Request(
        model="",
        messages=draw(conversations()),
        max_output_tokens=draw(st.none() | st.integers(1, 10_000)),
        temperature=draw(st.none() | st.sampled_from((0.0, 0.5, 1.0))),
        stop=tuple(draw(st.lists(names, max_size=2))),
        metadata=draw(st.none() | st.dictionaries(names, names, min_size=1, max_size=2)),
        service_tier=draw(st.sampled_from((None, "default", "flex", "priority"))),
    )
    if draw(st.booleans()):
        request.tools = tuple(
            draw(st.lists(st.builds(Tool, names, st.none() | words, schemas(), cache=st.none() | marks), min_size=1))
        )
        request.tool_choice = draw(
            st.sampled_from((None, ToolChoice("auto"), ToolChoice("required"), ToolChoice("tool", "f")))
        )
    if draw(st.booleans()):
        request.response_format = ResponseFormat("json_schema", draw(schemas()), "answer", draw(st.none() | words))
    return request


@given(requests())
def test_a_request_survives(request_: Request) -> None:
    assert CONVERSE.read_request(CONVERSE.write_request(request_, NOVA)) == request_


@given(answers())
def test_a_whole_answer_survives(answer: Response) -> None:
    read = CONVERSE.read_response(CONVERSE.write_response(answer, "m"))
    assert isinstance(read, Response)
    assert (read.parts, read.usage, read.stop_reason) == expected(answer)


@given(answers(), st.data())
def test_a_stream_cut_anywhere_is_the_same_answer(answer: Response, data: st.DataObject) -> None:
    writer = CONVERSE.writer(HEAD, "m")
    raw = b"".join(writer.write(event) for event in events_of(answer))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    reader, tail = CONVERSE.reader(), CONVERSE.tail(HEAD)
    events: list[Event] = []
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        events += reader.feed(raw[start:end])
        assert tail.feed(raw[start:end]) == raw[start:end]
    read = collect([*events, *reader.end()])
    # What a stream has begun to say it cannot take back, though it may turn out to be blank.
    assert (said(read.parts), read.usage, read.stop_reason) == expected(answer)
    assert (tail.finished, tail.usage, tail.end()) == (True, read.usage, b"")


def expected(answer: Response) -> Any:
    """Converse leaves out blank texts, and does not tell reasoning tokens apart."""
    assert answer.usage is not None
    usage = msgspec.structs.replace(answer.usage, reasoning_tokens=0)
    return said(answer.parts), usage, answer.stop_reason


def said(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(part for part in parts if not isinstance(part, TextPart) or part.text.strip())


@given(counts, counts, counts, counts)
def test_usage_survives(fresh: int, read: int, written: int, written_1h: int) -> None:
    usage = Usage(fresh + read + written + written_1h, 7, read, written, written_1h)
    answer = Response(id="", model="", parts=(TextPart("x"),), usage=usage)
    assert CONVERSE.read_usage(CONVERSE.write_response(answer, "m")) == usage


# ---- what only Converse does


def written(request: Request, target: Target = NOVA) -> Any:
    return json.loads(CONVERSE.write_request(request, target))


def asked(*parts: Part, **wishes: Any) -> Request:
    return Request(model="m", messages=(Message("user", parts),), **wishes)


def test_turns_of_the_same_side_become_one() -> None:
    request = Request(
        model="m",
        messages=(
            Message("user", (TextPart("a"),)),
            Message("assistant", (ToolCall("c1", "f", "{}"),)),
            Message("tool", (ToolResult("c1", (TextPart("r"),)),)),
            Message("user", (TextPart("b"),)),
        ),
    )
    sent = written(request)["messages"]
    assert [turn["role"] for turn in sent] == ["user", "assistant", "user"]
    assert [list(block) for block in sent[2]["content"]] == [["toolResult"], ["text"]]


def test_documents_have_names_of_their_own_without_what_is_forbidden() -> None:
    files = [
        FilePart(data="aGk=", media_type="application/pdf", name=name) for name in ("a_b  c.pdf", "a_b c.pdf", None)
    ]
    names_sent = [block["document"]["name"] for block in written(asked(*files))["messages"][0]["content"]]
    assert names_sent == ["a-b c", "a-b c (2)", "document"]


def test_claudes_thinking_and_others_effort_are_said_in_each_ones_way() -> None:
    thinking = written(
        asked(TextPart("x"), reasoning=ReasoningConfig(budget_tokens=2000), max_output_tokens=5000), CLAUDE
    )
    assert thinking["additionalModelRequestFields"]["thinking"] == {"type": "enabled", "budget_tokens": 2000}
    effort = written(
        asked(TextPart("x"), reasoning=ReasoningConfig(effort="minimal")), Target("openai.gpt-oss-120b-1:0")
    )
    assert effort["additionalModelRequestFields"] == {"reasoning_effort": "low"}


def test_unsigned_thinking_does_not_go_back() -> None:
    request = Request(
        model="m",
        messages=(Message("user", (TextPart("a"),)), Message("assistant", (Reasoning("mine"), TextPart("b")))),
    )
    assert written(request)["messages"][1]["content"] == [{"text": "b"}]


def test_sound_and_an_image_at_s3_go_as_they_are() -> None:
    blocks = written(asked(AudioPart("aGk=", "mp3"), ImagePart(url="s3://bucket/a.jpg")))["messages"][0]["content"]
    assert blocks[0] == {"audio": {"format": "mp3", "source": {"bytes": "aGk="}}}
    assert blocks[1] == {"image": {"format": "jpeg", "source": {"s3Location": {"uri": "s3://bucket/a.jpg"}}}}


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (asked(TextPart("x"), frequency_penalty=1.0), "frequency_penalty"),
        (asked(TextPart("x"), top_k=3), "top_k"),
        (asked(TextPart("x"), logprobs=True), "logprobs"),
        (asked(TextPart("x"), modalities=("audio",)), "modalities"),
        (asked(TextPart("x"), response_format=ResponseFormat("json_object")), "response_format"),
        (asked(TextPart("x"), tools=(Tool("f"),), parallel_tool_calls=False), "parallel_tool_calls"),
        (asked(ImagePart(url="https://example.com/a.png")), "messages[0].content[0]"),
        (asked(TextPart("x"), extra_of="openai_chat", extra={"logit_bias": msgspec.Raw(b"{}")}), "logit_bias"),
    ],
)
def test_what_it_has_no_word_for_is_refused_by_name(request_: Request, param: str) -> None:
    with pytest.raises(Inexpressible) as raised:
        CONVERSE.write_request(request_, NOVA)
    assert raised.value.details["param"] == param


def test_its_own_words_go_back_to_it() -> None:
    body = {
        "messages": [{"role": "user", "content": [{"text": "x"}]}],
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "additionalModelRequestFields": {"top_k": 5},
    }
    request = CONVERSE.read_request(json.dumps(body).encode())
    assert json.loads(CONVERSE.write_request(request, NOVA)) == body
    with pytest.raises(Inexpressible):
        DIALECTS["openai_chat"].write_request(request, Target("gpt-5"))


def test_the_output_limit_is_read_of_the_head() -> None:
    assert CONVERSE.read_head(b'{"inferenceConfig":{"maxTokens":7}}').output_bound() == 7
    with pytest.raises(InvalidRequest):
        CONVERSE.read_head(b'{"inferenceConfig":{},"inferenceConfig":{"maxTokens":7}}')


def test_citations_and_a_guardrails_judgement_are_read() -> None:
    body = {
        "output": {"message": {"role": "assistant", "content": [{"citationsContent": {
            "content": [{"text": "So it is."}],
            "citations": [{
                "title": "T", "location": {"web": {"url": "https://example.com"}}, "sourceContent": [{"text": "s"}],
            }],
        }}]}},
        "stopReason": "guardrail_intervened",
        "trace": {"guardrail": {"outputAssessments": {"g": [{"contentPolicy": {"filters": [
            {"type": "HATE", "confidence": "HIGH", "action": "BLOCKED"}]}}]}}},
    }  # fmt: skip
    answer = CONVERSE.read_response(json.dumps(body).encode())
    assert isinstance(answer, Response)
    cited = Citation(url="https://example.com", title="T", cited_text="s")
    assert answer.parts == (TextPart("So it is.", citations=(cited,)),)
    assert answer.stop_reason is StopReason.REFUSAL
    assert [(rating.category, rating.blocked) for rating in answer.safety] == [("HATE", True)]


def test_cache_points_mark_what_is_before_them() -> None:
    request = asked(TextPart("a", CacheMark("1h")), TextPart("b"))
    content = written(request)["messages"][0]["content"]
    assert content == [{"text": "a"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"text": "b"}]


# ---- streams that go wrong


def event(kind: str, **payload: Any) -> bytes:
    return encode_message({":event-type": kind, ":message-type": "event"}, json.dumps(payload).encode())


def exception(kind: str, message: str) -> bytes:
    return encode_message(
        {":exception-type": kind, ":message-type": "exception"}, json.dumps({"message": message}).encode()
    )


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("throttlingException", 429), ("validationException", 400), ("modelStreamErrorException", 502),
        ("internalServerException", 500), ("serviceUnavailableException", 503), ("modelTimeoutException", 504),
        ("aNewException", 502),
    ],
)  # fmt: skip
def test_an_exception_amid_a_stream_has_its_status(kind: str, status: int) -> None:
    raw = event("messageStart", role="assistant") + exception(kind, "It went wrong.")
    events = CONVERSE.reader().feed(raw)
    assert events[-1] == Failed(message="It went wrong.", status=status, kind=kind)
    tail = CONVERSE.tail(HEAD)
    tail.feed(raw)
    assert isinstance(tail.error, UpstreamRefused)
    assert tail.error.status == status


def test_an_error_without_a_payload_is_read() -> None:
    raw = encode_message({":message-type": "error", ":error-code": "InternalError", ":error-message": "Oh."}, b"")
    assert CONVERSE.reader().feed(raw) == [Failed(message="Oh.", status=502, kind="InternalError")]


def test_a_stream_that_ends_early_is_cut_and_one_without_counts_is_whole() -> None:
    reader = CONVERSE.reader()
    reader.feed(event("messageStart", role="assistant"))
    with pytest.raises(UpstreamCut):
        reader.end()
    reader.feed(event("messageStop", stopReason="end_turn"))
    assert reader.end() == [Finished(stop_reason=StopReason.END, usage=None)]


def test_a_damaged_stream_goes_no_further() -> None:
    raw = bytearray(event("messageStart", role="assistant"))
    raw[-6] ^= 1
    for side in (CONVERSE.reader(), CONVERSE.tail(HEAD)):
        with pytest.raises(UpstreamGarbage, match="checksum"):
            side.feed(bytes(raw))


@pytest.mark.parametrize(
    ("status", "body", "message", "expected_status"),
    [
        (400, b'{"message":"Too long."}', "Too long.", 400),
        (403, b'{"Message":"Not allowed."}', "Not allowed.", 403),
        (424, b'{"message":"The model failed."}', "The model failed.", 502),
        (408, b'{"message":"Slow."}', "Slow.", 504),
    ],
)
def test_errors_are_read(status: int, body: bytes, message: str, expected_status: int) -> None:
    error = CONVERSE.read_error(status, body)
    assert (error.message, error.status) == (message, expected_status)
