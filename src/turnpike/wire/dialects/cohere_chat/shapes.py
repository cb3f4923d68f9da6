"""The JSON of Cohere's v2 chat as it is read: fields that mean something to the gateway."""

from typing import Any

import msgspec


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class Document(msgspec.Struct):
    data: dict[str, Any] | str = msgspec.field(default_factory=dict[str, Any])
    id: str | None = None


class Block(msgspec.Struct):
    """A content block of any role."""

    type: str
    text: str | None = None
    thinking: str | None = None
    image_url: ImageUrl | str | None = None
    document: Document | None = None


class FunctionCall(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class ToolCallShape(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    function: FunctionCall | None = None


class Source(msgspec.Struct):
    type: str | None = None
    id: str | None = None
    document: dict[str, Any] | None = None
    tool_output: dict[str, Any] | None = None


class CitationShape(msgspec.Struct):
    start: int | None = None
    end: int | None = None
    text: str | None = None
    sources: list[Source] | None = None
    content_index: int | None = None
    type: str | None = None


class LogprobShape(msgspec.Struct):
    text: str | None = None
    token_ids: list[int] | None = None
    logprobs: list[float] | None = None


class MessageShape(msgspec.Struct):
    """A message of a request or of a whole answer."""

    role: str | None = None
    content: str | list[Block] | None = None
    tool_calls: list[ToolCallShape] | None = None
    tool_plan: str | None = None
    tool_call_id: str | None = None
    citations: list[CitationShape] | None = None


class FunctionShape(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()


class ToolShape(msgspec.Struct):
    type: str | None = None
    function: FunctionShape | None = None


class ResponseFormatShape(msgspec.Struct):
    type: str
    json_schema: msgspec.Raw = msgspec.Raw()
    schema: msgspec.Raw = msgspec.Raw()
    """What the field was called before."""


class ThinkingShape(msgspec.Struct):
    type: str
    token_budget: int | None = None


class RequestShape(msgspec.Struct):
    model: str
    messages: list[MessageShape]
    stream: bool | None = None
    tools: list[ToolShape] | None = None
    strict_tools: bool | None = None
    tool_choice: str | None = None
    documents: list[str | Document] | None = None
    response_format: ResponseFormatShape | None = None
    thinking: ThinkingShape | None = None
    max_tokens: int | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    k: int | None = None
    p: float | None = None
    logprobs: bool | None = None


class AnswerShape(msgspec.Struct):
    """A whole answer."""

    id: str | None = None
    finish_reason: str | None = None
    message: MessageShape | None = None
    usage: msgspec.Raw = msgspec.Raw()
    """Read by itself: an answer is no worse for a usage that is none."""
    logprobs: list[LogprobShape] | None = None


# ---- streams


class DeltaContent(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None


class DeltaMessage(msgspec.Struct):
    """The same names as in a whole message, each with one piece instead of a list."""

    content: DeltaContent | list[DeltaContent] | None = None
    tool_calls: ToolCallShape | list[ToolCallShape] | None = None
    tool_plan: str | None = None
    citations: CitationShape | list[CitationShape] | None = None


class Delta(msgspec.Struct):
    message: DeltaMessage | None = None
    finish_reason: str | None = None
    error: str | None = None
    usage: msgspec.Raw = msgspec.Raw()


class EventShape(msgspec.Struct):
    """One event of a stream, of any type."""

    type: str | None = None
    id: str | None = None
    index: int = 0
    delta: Delta | None = None
    logprobs: LogprobShape | None = None
    message: str | None = None
    """Of an error that came instead of an event."""
