"""What each conversation dialect can say, found out by saying it: written in the dialect, read back, and compared.

`yes`: it comes back as it was. `left out`: it is gone, because an answer means the same without it. `otherwise`: it is
said in other words. `refused`: the request is refused by name before anything is sent.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from turnpike.errors import Inexpressible
from turnpike.wire.dialect import Dialect, Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import Operation
from turnpike.wire.types.conversation import (
    AudioConfig,
    AudioPart,
    Citation,
    FilePart,
    ImagePart,
    Message,
    Part,
    Reasoning,
    ReasoningConfig,
    Refusal,
    Request,
    Response,
    ResponseFormat,
    ServerTool,
    StopReason,
    TextPart,
    TokenLogprob,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from turnpike.wire.types.usage import Usage

CONVERSATIONS = tuple(dialect for dialect in DIALECTS.values() if dialect.operation is Operation.CHAT)

_SCHEMA = msgspec.Raw(
    b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}'
)
_TOOL = Tool("f", "d", _SCHEMA)
_USER = Message("user", (TextPart("hi"),))
_CALL = ToolCall("call_1", "f", '{"a":"b"}')
_CLAUDE = "claude-opus-4-5"
_PNG = "iVBORw0KGgo="


class Feature(NamedTuple):
    name: str
    request: Request
    probe: Callable[[Request], Any]
    """What must come back."""


class AnswerFeature(NamedTuple):
    name: str
    response: Response
    probe: Callable[[Response], Any]


def _member(name: str, *fields: str, **values: Any) -> Feature:
    """A field of the request, shown under `name`."""
    request = Request(**{"model": "m", "messages": (_USER,), "max_output_tokens": 100, **values})
    wanted = fields or tuple(values)
    return Feature(name, request, lambda each: tuple(getattr(each, field) for field in wanted))


def _part(name: str, *parts: Part, role: Any = "user", before: tuple[Message, ...] = (), **values: Any) -> Feature:
    """A part of the last message."""
    messages = (*before, Message(role, parts))
    request = Request(**{"model": "m", "messages": messages, "max_output_tokens": 100, **values})
    kind = type(parts[0])
    return Feature(
        name, request, lambda each: [part for one in each.messages for part in one.parts if isinstance(part, kind)]
    )


def _instructions(request: Request) -> list[Message]:
    return [message for message in request.messages if message.role in ("system", "developer")]


def _details(request: Request) -> tuple[Any, ...]:
    return tuple(part.detail for one in request.messages for part in one.parts if isinstance(part, ImagePart))


_LOOP = (_USER, Message("assistant", (_CALL,)))

REQUESTS: tuple[Feature, ...] = (
    Feature(
        "system prompt",
        Request(model="m", messages=(Message("system", (TextPart("be kind"),)), _USER), max_output_tokens=100),
        _instructions,
    ),
    Feature(
        "developer prompt",
        Request(model="m", messages=(Message("developer", (TextPart("be kind"),)), _USER), max_output_tokens=100),
        _instructions,
    ),
    _part("image, as data", ImagePart(data=_PNG, media_type="image/png")),
    _part("image, by URL", ImagePart(url="https://example.com/a.png")),
    _part("image's `detail`", ImagePart(data=_PNG, media_type="image/png", detail="low"))._replace(probe=_details),
    _part("audio", AudioPart("AAAA", "wav")),
    _part("PDF, as data", FilePart(data="JVBERi0xLjQ=", media_type="application/pdf", name="a.pdf")),
    _part("file, by URL", FilePart(url="https://example.com/a.pdf", name="a.pdf")),
    _member("tools", tools=(_TOOL,)),
    _member("a strict tool", tools=(msgspec.structs.replace(_TOOL, strict=True),)),
    _member("tool choice: required", "tool_choice", tools=(_TOOL,), tool_choice=ToolChoice("required")),
    _member("tool choice: one tool", "tool_choice", tools=(_TOOL,), tool_choice=ToolChoice("tool", "f")),
    _member("one call at a time", "parallel_tool_calls", tools=(_TOOL,), parallel_tool_calls=False),
    _part("tool call", _CALL, role="assistant", before=(_USER,)),
    _part("tool result", ToolResult("call_1", (TextPart("x"),)), role="tool", before=_LOOP),
    _part("failed tool result", ToolResult("call_1", (TextPart("x"),), is_error=True), role="tool", before=_LOOP),
    _part(
        "image in a tool result",
        ToolResult("call_1", (TextPart("x"), ImagePart(data=_PNG, media_type="image/png"))),
        role="tool",
        before=_LOOP,
    ),
    _member("tools of Anthropic's own", "server_tools", server_tools=(
        ServerTool("anthropic_messages", "web_search_20250305", msgspec.Raw(
            b'{"type":"web_search_20250305","name":"web_search"}'), "tools[0].type"),)),
    _member("tools of OpenAI's own", "server_tools", server_tools=(
        ServerTool("openai_responses", "web_search", msgspec.Raw(b'{"type":"web_search"}'), "tools[0].type"),)),
    _member("JSON by a schema", response_format=ResponseFormat("json_schema", _SCHEMA, "response", strict=True)),
    _member("any JSON", response_format=ResponseFormat("json_object")),
    _member("reasoning effort", model="claude-opus-4-8", reasoning=ReasoningConfig("high"))._replace(
        probe=lambda each: each.reasoning and each.reasoning.effort
    ),
    _part("reasoning signed by Anthropic", Reasoning("hm", "c2ln"), TextPart("x"), role="assistant", before=(_USER,),
        model=_CLAUDE),
    _part(
        "reasoning sealed by OpenAI", Reasoning("hm", "openai:rs_1:c2VhbA=="), TextPart("x"), role="assistant",
        before=(_USER,), model=_CLAUDE,
    ),
    _member("output limit", max_output_tokens=99),
    _member("`temperature`", temperature=0.5),
    _member("`top_p`", top_p=0.5),
    _member("`top_k`", top_k=5),
    _member("penalties", frequency_penalty=0.5, presence_penalty=0.5),
    _member("stop sequences", stop=("END",)),
    _member("`seed`", seed=1),
    _member("logprobs", logprobs=True, top_logprobs=2),
    _member("spoken answers", modalities=("text", "audio"), audio=AudioConfig("alloy")),
    _member("verbosity", verbosity="low"),
    _member("the end user", user="u1"),
    _member("metadata", metadata={"a": "b"}),
    _member("service tier", service_tier="default"),
    _member("`store`", store=True),
    _member("prompt cache key", prompt_cache_key="k"),
)  # fmt: skip


def _answer(name: str, *parts: Part, **values: Any) -> AnswerFeature:
    kind = type(parts[0])
    response = Response(id="a", model="m", parts=parts, **values)
    return AnswerFeature(name, response, lambda each: [part for part in each.parts if isinstance(part, kind)])


def _texts(response: Response, name: str) -> tuple[Any, ...]:
    return tuple(getattr(part, name) for part in response.parts if isinstance(part, TextPart))


ANSWERS: tuple[AnswerFeature, ...] = (
    _answer("text", TextPart("x")),
    _answer("tool calls", _CALL, msgspec.structs.replace(_CALL, id="call_2"), stop_reason=StopReason.TOOL_CALLS),
    _answer("reasoning", Reasoning("hm"), TextPart("x")),
    _answer("reasoning signed by Anthropic", Reasoning("hm", "c2ln"), TextPart("x")),
    _answer("reasoning that only Anthropic can read", Reasoning(redacted="cmVk"), TextPart("x")),
    _answer("reasoning sealed by OpenAI", Reasoning("hm", "openai:rs_1:c2VhbA=="), TextPart("x")),
    _answer("signed tool call (Gemini)", msgspec.structs.replace(_CALL, signature="c2ln")),
    _answer("refusal", Refusal("no"), stop_reason=StopReason.REFUSAL)._replace(probe=lambda each: each.parts),
    _answer("cited page", TextPart("x", citations=(Citation(url="https://e.com", title="t", start=0, end=1),))),
    _answer("logprobs", TextPart("x", logprobs=(TokenLogprob("x", -0.1, (120,)),)))._replace(
        probe=lambda each: _texts(each, "logprobs")
    ),
    _answer("sound", AudioPart("AAAA", "wav", id="audio_1", transcript="x", expires_at_s=1)),
    AnswerFeature(
        "usage: cached input, written to a cache, reasoning",
        Response(id="a", model="m", parts=(TextPart("x"),), usage=Usage(30, 9, 10, 5, 0, 4)),
        lambda each: each.usage,
    ),
)


def said(dialect: Dialect, feature: Feature) -> str:
    try:
        body = dialect.write_request(feature.request, Target(feature.request.model))
    except Inexpressible:
        return "refused"
    read = dialect.read_request(body)
    assert isinstance(read, Request)
    return _compared(feature.probe(feature.request), feature.probe(read))


def answered(dialect: Dialect, feature: AnswerFeature) -> str:
    read = dialect.read_response(dialect.write_response(feature.response, "m"))
    assert isinstance(read, Response)
    return _compared(feature.probe(feature.response), feature.probe(read))


def _compared(before: Any, after: Any) -> str:
    if before == after:
        return "yes"
    gone = not after or (isinstance(after, tuple) and not any(after))
    return "left out" if gone else "otherwise"
