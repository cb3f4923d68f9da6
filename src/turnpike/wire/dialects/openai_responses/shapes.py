"""The JSON of OpenAI's Responses as it is read: fields that mean something to the gateway."""

from typing import Any

import msgspec

from turnpike.wire.dialects.common.logprobs import LogprobShape
from turnpike.wire.dialects.common.signatures import ExtraContent


class CacheBreakpoint(msgspec.Struct):
    mode: str | None = None
    ttl: str | None = None


class InputAudio(msgspec.Struct):
    data: str
    format: str


class AnnotationShape(msgspec.Struct):
    """Of any type."""

    type: str
    url: str | None = None
    title: str | None = None
    file_id: str | None = None
    filename: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class ContentShape(msgspec.Struct):
    """A part of an item's content, of any type."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    filename: str | None = None
    input_audio: InputAudio | None = None
    annotations: list[msgspec.Raw] | None = None
    logprobs: list[LogprobShape] | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class ItemKind(msgspec.Struct):
    """What kind of item it is: an item with a role and no type is a message."""

    type: str | None = None
    role: str | None = None
    id: str | None = None


class MessageItem(msgspec.Struct):
    role: str
    content: str | list[ContentShape] | None = None


class CallItem(msgspec.Struct):
    call_id: str
    name: str
    arguments: str = ""
    extra_content: ExtraContent | None = None


class ResultItem(msgspec.Struct):
    call_id: str
    output: str | list[ContentShape] = ""


class ThoughtText(msgspec.Struct):
    text: str = ""


class ReasoningItem(msgspec.Struct):
    id: str = ""
    summary: list[ThoughtText] | None = None
    content: list[ThoughtText] | None = None
    encrypted_content: str | None = None


class ToolShape(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class AllowedTool(msgspec.Struct):
    type: str
    name: str | None = None


class ToolChoiceShape(msgspec.Struct):
    type: str
    name: str | None = None
    mode: str | None = None
    tools: list[AllowedTool] | None = None


class FormatShape(msgspec.Struct):
    type: str
    name: str | None = None
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class TextShape(msgspec.Struct):
    format: FormatShape | None = None
    verbosity: str | None = None


class ReasoningShape(msgspec.Struct):
    effort: str | None = None
    summary: str | None = None
    generate_summary: str | None = None


class RequestShape(msgspec.Struct):
    model: str
    input: str | list[msgspec.Raw] | None = None
    instructions: str | None = None
    stream: bool | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: msgspec.Raw = msgspec.Raw()
    parallel_tool_calls: bool | None = None
    text: TextShape | None = None
    reasoning: ReasoningShape | None = None
    include: list[str] | None = None
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: int | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None


class IncompleteDetails(msgspec.Struct):
    reason: str | None = None


class AnswerShape(msgspec.Struct):
    """A response object, whole or as a stream's events hold it."""

    id: str | None = None
    created_at: float | None = None
    model: str | None = None
    status: str | None = None
    output: list[msgspec.Raw] | None = None
    incomplete_details: IncompleteDetails | None = None
    service_tier: str | None = None
    error: Any = None
    usage: msgspec.Raw = msgspec.Raw()
    """Read by itself: an answer is no worse for a usage that is none."""
    tool_usage: msgspec.Raw = msgspec.Raw()


class EventShape(msgspec.Struct):
    """One event of a stream, of any type."""

    type: str
    response: AnswerShape | None = None
    item: msgspec.Raw = msgspec.Raw()
    output_index: int = 0
    content_index: int = 0
    summary_index: int = 0
    delta: Any = None
    annotation: msgspec.Raw = msgspec.Raw()
    logprobs: msgspec.Raw = msgspec.Raw()
    text: Any = None
    refusal: Any = None
    arguments: Any = None
    message: Any = None
    code: Any = None
    error: Any = None
