"""Every answer that is written is read by the official SDKs, whole and streamed, and by their types strictly."""

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pydantic
import pytest
from anthropic.types import Message as AnthropicMessage
from anthropic.types import MessageTokensCount, RawMessageStreamEvent
from hypothesis import given, settings
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseStreamEvent

from turnpike.kit.sse import SseParser
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import Reasoning, Response, StopReason, TextPart, ToolCall
from turnpike.wire.types.stream import events_of
from turnpike.wire.types.usage import Usage

from .strategies import answers

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
RESPONSES = DIALECTS["openai_responses"]
ASKED = OPENAI.read_head(b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}')
UNASKED = OPENAI.read_head(b'{"model":"m","stream":true}')

ANSWER = Response(
    id="a-1",
    model="up",
    parts=(
        Reasoning("Let me think.", "c2ln"),
        Reasoning(redacted="cmVk"),
        TextPart("Hello."),
        ToolCall("call_1", "weather", '{"city": "Bern"}'),
        ToolCall("call_2", "now", "{}"),
    ),
    stop_reason=StopReason.TOOL_CALLS,
    usage=Usage(100, 50, 40, 10, 0, 20),
)

Reply = Callable[[httpx2.Request], httpx2.Response]


def openai_client(body: bytes, kind: str = "application/json") -> openai.OpenAI:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body, headers={"content-type": kind}))
    return openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)


def anthropic_client(body: bytes, kind: str = "application/json") -> anthropic.Anthropic:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body, headers={"content-type": kind}))
    return anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)


def written(writer: Any, answer: Response) -> bytes:
    return b"".join(writer.write(event) for event in events_of(answer))


# ---- strict types


def strictly(model: type[pydantic.BaseModel], body: bytes | str) -> None:
    """By Pydantic's own rules: the SDKs themselves take anything."""
    pydantic.TypeAdapter(model).validate_json(body)


@settings(max_examples=25)
@given(answers())
def test_whole_answers_are_of_the_sdks_types(answer: Response) -> None:
    strictly(ChatCompletion, OPENAI.write_response(answer, "m"))
    strictly(AnthropicMessage, ANTHROPIC.write_response(answer, "m"))
    strictly(OpenAIResponse, RESPONSES.write_response(answer, "m"))


@settings(max_examples=25)
@given(answers())
def test_streamed_events_are_of_the_sdks_types(answer: Response) -> None:
    for event in SseParser().feed(written(OPENAI.writer(ASKED, "m"), answer)):
        if event.data != "[DONE]":
            strictly(ChatCompletionChunk, event.data)
    adapter = pydantic.TypeAdapter[Any](ResponseStreamEvent)
    for number, event in enumerate(SseParser().feed(written(RESPONSES.writer(UNASKED, "m"), answer))):
        read = adapter.validate_json(event.data)
        assert (read.type, read.sequence_number) == (event.event, number)
    adapter = pydantic.TypeAdapter[Any](RawMessageStreamEvent)
    for event in SseParser().feed(written(ANTHROPIC.writer(UNASKED, "m"), answer)):
        assert adapter.validate_json(event.data).type == event.event


# ---- the SDKs


def check_completion(message: Any) -> None:
    assert message.content == "Hello."
    assert [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls] == [
        ("call_1", "weather", '{"city": "Bern"}'),
        ("call_2", "now", "{}"),
    ]


def check_openai_usage(usage: Any) -> None:
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (100, 50, 150)
    assert usage.prompt_tokens_details.cached_tokens == 40
    assert usage.prompt_tokens_details.cache_write_tokens == 10
    assert usage.completion_tokens_details.reasoning_tokens == 20


def check_message(message: Any) -> None:
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    thinking, redacted, text, weather, now = message.content
    assert (thinking.thinking, thinking.signature, redacted.data) == ("Let me think.", "c2ln", "cmVk")
    assert (text.text, weather.id, weather.input, now.input) == ("Hello.", "call_1", {"city": "Bern"}, {})
    assert message.stop_reason == "tool_use"
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (50, 40, 10)
    assert (usage.output_tokens, usage.output_tokens_details.thinking_tokens) == (50, 20)


def test_openais_sdk_reads_a_whole_answer() -> None:
    with openai_client(OPENAI.write_response(ANSWER, "asked")) as client:
        completion = client.chat.completions.create(model="asked", messages=[])
    assert (completion.id, completion.model, completion.choices[0].finish_reason) == ("a-1", "asked", "tool_calls")
    check_completion(completion.choices[0].message)
    extra: dict[str, Any] = completion.choices[0].message.model_extra or {}
    assert extra["reasoning_content"] == "Let me think."
    assert [detail["type"] for detail in extra["reasoning_details"]] == ["reasoning.text", "reasoning.encrypted"]
    check_openai_usage(completion.usage)


@pytest.mark.parametrize("head", [ASKED, UNASKED], ids=["usage asked", "unasked"])
def test_openais_sdk_reads_a_stream(head: Any) -> None:
    stream = written(OPENAI.writer(head, "asked"), ANSWER)
    with openai_client(stream, "text/event-stream") as client:
        chunks = list(client.chat.completions.create(model="asked", messages=[], stream=True))
    assert {chunk.model for chunk in chunks} == {"asked"}
    usages = [chunk.usage for chunk in chunks if chunk.usage]
    if head is ASKED:
        check_openai_usage(usages[0])
        assert chunks[-1].choices == []
    else:
        assert not usages
        assert all(chunk.choices for chunk in chunks)
    client = openai_client(stream, "text/event-stream")
    with client, client.chat.completions.stream(model="asked", messages=[]) as accumulating:
        final = accumulating.get_final_completion()
    check_completion(final.choices[0].message)
    assert final.choices[0].finish_reason == "tool_calls"


def test_anthropics_sdk_reads_a_whole_answer() -> None:
    with anthropic_client(ANTHROPIC.write_response(ANSWER, "asked")) as client:
        message = client.messages.create(model="asked", max_tokens=5, messages=[])
    assert (message.id, message.model, message.role) == ("a-1", "asked", "assistant")
    check_message(message)


def test_anthropics_sdk_reads_a_stream() -> None:
    stream = written(ANTHROPIC.writer(UNASKED, "asked"), ANSWER)
    client = anthropic_client(stream, "text/event-stream")
    with client, client.messages.stream(model="asked", max_tokens=5, messages=[]) as accumulating:
        message = accumulating.get_final_message()
    assert (message.id, message.model) == ("a-1", "asked")
    check_message(message)


@pytest.mark.parametrize("stop", list(StopReason))
def test_every_reason_to_stop_is_one_of_the_sdks(stop: StopReason) -> None:
    answer = Response(id="i", model="m", parts=(TextPart("x"),), stop_reason=stop)
    strictly(ChatCompletion, OPENAI.write_response(answer, "m"))
    strictly(AnthropicMessage, ANTHROPIC.write_response(answer, "m"))


def test_an_answer_of_nothing_is_one_of_the_sdks() -> None:
    answer = Response(id="", model="")
    strictly(ChatCompletion, OPENAI.write_response(answer, "m"))
    strictly(AnthropicMessage, ANTHROPIC.write_response(answer, "m"))


def test_a_count_of_tokens_is_one_of_the_sdks() -> None:
    dialect = DIALECTS["anthropic_count_tokens"]
    body = dialect.write_response(Response(id="", model="", usage=Usage(42)), "m")
    strictly(MessageTokensCount, body)
    read = dialect.read_response(body)
    assert read.usage == Usage(42)
    assert dialect.read_usage(body) == Usage()
    with anthropic_client(body) as client:
        assert client.messages.count_tokens(model="m", messages=[]).input_tokens == 42
