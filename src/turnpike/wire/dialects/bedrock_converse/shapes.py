"""The JSON of Bedrock's Converse as it is read: fields that mean something to the gateway. Blobs are base64."""

import msgspec

_Raw = msgspec.Raw


class Shape(msgspec.Struct, rename="camel"):
    """Names as Amazon writes them: `toolUseId`."""


class S3Location(Shape):
    uri: str


class Source(Shape):
    bytes: str | None = None
    s3_location: S3Location | None = None
    text: str | None = None
    content: list["TextShape"] | None = None


class TextShape(Shape):
    text: str = ""


class Media(Shape):
    """An image, a document, a video or a piece of audio."""

    source: Source
    format: str | None = None
    name: str | None = None


class ToolUse(Shape):
    tool_use_id: str
    name: str
    input: msgspec.Raw = _Raw(b"{}")


class CachePoint(Shape):
    type: str = "default"
    ttl: str | None = None


class ReasoningText(Shape):
    text: str = ""
    signature: str | None = None


class ReasoningContent(Shape):
    reasoning_text: ReasoningText | None = None
    redacted_content: str | None = None


class Location(Shape):
    web: "WebLocation | None" = None
    document_char: "DocumentLocation | None" = None
    document_page: "DocumentLocation | None" = None
    document_chunk: "DocumentLocation | None" = None
    search_result_location: "DocumentLocation | None" = None


class WebLocation(Shape):
    url: str | None = None
    domain: str | None = None


class DocumentLocation(Shape):
    document_index: int | None = None
    start: int | None = None
    end: int | None = None


class CitationShape(Shape):
    title: str | None = None
    source: str | None = None
    source_content: list[TextShape] | None = None
    location: Location | None = None


class CitationsContent(Shape):
    content: list[TextShape] | None = None
    citations: list[CitationShape] | None = None


class ResultItem(Shape):
    """One item of a tool's result."""

    text: str | None = None
    json: msgspec.Raw = _Raw()
    image: Media | None = None
    document: Media | None = None


class ToolResultShape(Shape):
    tool_use_id: str
    content: list[ResultItem] | None = None
    status: str | None = None


class Block(Shape):
    """A content block: one of its members is set, or one that only Bedrock knows."""

    text: str | None = None
    image: Media | None = None
    document: Media | None = None
    audio: Media | None = None
    tool_use: ToolUse | None = None
    tool_result: ToolResultShape | None = None
    reasoning_content: ReasoningContent | None = None
    citations_content: CitationsContent | None = None
    cache_point: CachePoint | None = None


class MessageShape(Shape):
    role: str
    content: list[Block]


# ---- requests


class InputSchema(Shape):
    json: msgspec.Raw = _Raw(b"null")


class ToolSpec(Shape):
    name: str
    description: str | None = None
    input_schema: InputSchema | None = None
    strict: bool | None = None


class ToolShape(Shape):
    tool_spec: ToolSpec | None = None
    cache_point: CachePoint | None = None


class NamedTool(Shape):
    name: str


class ToolChoiceShape(Shape):
    auto: dict[str, object] | None = None
    any: dict[str, object] | None = None
    tool: NamedTool | None = None


class ToolConfig(Shape):
    tools: list[ToolShape]
    tool_choice: ToolChoiceShape | None = None


class InferenceConfig(Shape):
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop_sequences: list[str] | None = None


class JsonSchema(Shape):
    schema: str
    name: str | None = None
    description: str | None = None


class FormatStructure(Shape):
    json_schema: JsonSchema | None = None


class TextFormat(Shape):
    type: str
    structure: FormatStructure | None = None


class OutputConfig(Shape):
    text_format: TextFormat | None = None
    effort: str | None = None


class ServiceTier(Shape):
    type: str


class RequestShape(Shape):
    messages: list[MessageShape]
    system: list[Block] | None = None
    inference_config: InferenceConfig | None = None
    tool_config: ToolConfig | None = None
    output_config: OutputConfig | None = None
    service_tier: ServiceTier | None = None
    request_metadata: dict[str, str] | None = None


# ---- answers


class OutputMessage(Shape):
    content: list[Block] | None = None


class Output(Shape):
    message: OutputMessage | None = None


class AnswerShape(Shape):
    """A whole answer."""

    output: Output | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = _Raw()
    trace: msgspec.Raw = _Raw()
    service_tier: ServiceTier | None = None


class Start(Shape):
    tool_use: ToolUse | None = None


class ToolInput(Shape):
    input: str = ""


class ReasoningDelta(Shape):
    text: str | None = None
    redacted_content: str | None = None
    signature: str | None = None


class Delta(Shape):
    text: str | None = None
    tool_use: ToolInput | None = None
    reasoning_content: ReasoningDelta | None = None
    citation: CitationShape | None = None


class EventShape(Shape):
    """The payload of a stream's message, of any type."""

    content_block_index: int = 0
    start: Start | None = None
    delta: Delta | None = None
    stop_reason: str | None = None
    usage: msgspec.Raw = _Raw()
    trace: msgspec.Raw = _Raw()
    service_tier: ServiceTier | None = None
    message: str | None = None
    """Of an exception."""
