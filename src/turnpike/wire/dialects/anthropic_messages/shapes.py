"""The JSON of Anthropic's Messages as it is read: fields that mean something to the gateway."""

import msgspec

from turnpike.wire.dialects.common.signatures import ExtraContent


class CacheControl(msgspec.Struct):
    type: str = "ephemeral"
    ttl: str | None = None


class Source(msgspec.Struct):
    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None


class Block(msgspec.Struct):
    """A content block of any type, in requests and answers."""

    type: str
    text: str | None = None
    source: Source | str | None = None
    title: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"{}")
    tool_use_id: str | None = None
    content: msgspec.Raw = msgspec.Raw(b"null")
    is_error: bool | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    cache_control: CacheControl | None = None
    citations: msgspec.Raw = msgspec.Raw(b"null")
    """Of a text, what it rests on; of a document, whether it may be cited."""
    extra_content: ExtraContent | None = None


class CitationShape(msgspec.Struct):
    """Of any type."""

    type: str
    cited_text: str | None = None
    url: str | None = None
    title: str | None = None
    document_title: str | None = None
    document_index: int | None = None
    file_id: str | None = None


class MessageShape(msgspec.Struct):
    role: str
    content: str | list[msgspec.Raw]


class ToolShape(msgspec.Struct):
    name: str | None = None
    type: str | None = None
    description: str | None = None
    input_schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ToolChoiceShape(msgspec.Struct):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class ThinkingShape(msgspec.Struct):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(msgspec.Struct):
    type: str
    schema: msgspec.Raw = msgspec.Raw()


class OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct):
    user_id: str | None = None


class RequestShape(msgspec.Struct):
    model: str
    messages: list[MessageShape]
    max_tokens: int | None = None
    system: str | list[Block] | None = None
    stream: bool | None = None
    tools: list[msgspec.Raw] | None = None
    tool_choice: ToolChoiceShape | None = None
    thinking: ThinkingShape | None = None
    output_config: OutputConfig | None = None
    stop_sequences: list[str] | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    metadata: Metadata | None = None
    service_tier: str | None = None


class AnswerShape(msgspec.Struct):
    """A whole answer."""

    id: str | None = None
    model: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    """Read by itself: an answer is no worse for a usage that is none."""


class Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: msgspec.Raw = msgspec.Raw()
    stop_reason: str | None = None
    stop_sequence: str | None = None


class ErrorShape(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class EventShape(msgspec.Struct):
    """One event of a stream, of any type."""

    type: str
    message: AnswerShape | None = None
    index: int = 0
    content_block: Block | None = None
    delta: Delta | None = None
    usage: msgspec.Raw = msgspec.Raw()
    error: ErrorShape | None = None
