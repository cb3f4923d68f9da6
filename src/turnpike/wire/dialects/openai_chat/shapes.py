"""The JSON of OpenAI's Chat Completions as it is read: fields that mean something to the gateway, types as wide as
the servers that follow the form write them."""

from typing import Any

import msgspec


class ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class InputAudio(msgspec.Struct):
    data: str
    format: str


class File(msgspec.Struct):
    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None


class CacheControl(msgspec.Struct):
    """Anthropic's mark, which OpenRouter and others take in this form, too."""

    type: str | None = None
    ttl: str | None = None


class CacheBreakpoint(msgspec.Struct):
    """OpenAI's own mark."""

    mode: str | None = None
    ttl: str | None = None


class ContentPart(msgspec.Struct):
    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: ImageUrl | str | None = None
    input_audio: InputAudio | None = None
    file: File | None = None
    thinking: list["ContentPart"] | str | None = None
    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: CacheBreakpoint | None = None


class ReasoningDetail(msgspec.Struct):
    """OpenRouter's form, which keeps what a provider needs to recognise its own reasoning."""

    type: str = "reasoning.text"
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    signature: str | None = None
    index: int | None = None


class FunctionCall(msgspec.Struct):
    name: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")
    """A string of JSON; a few servers write the object itself."""


class ToolCallShape(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None


class MessageShape(msgspec.Struct):
    role: str | None = None
    content: str | list[ContentPart] | None = None
    name: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCallShape] | None = None
    tool_call_id: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None


class FunctionShape(msgspec.Struct):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class ToolShape(msgspec.Struct):
    type: str
    function: FunctionShape | None = None
    cache_control: CacheControl | None = None


class NamedFunction(msgspec.Struct):
    name: str


class ToolChoiceShape(msgspec.Struct):
    type: str
    function: NamedFunction | None = None


class JsonSchema(msgspec.Struct):
    name: str
    description: str | None = None
    schema: msgspec.Raw = msgspec.Raw()
    strict: bool | None = None


class ResponseFormatShape(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class ReasoningShape(msgspec.Struct):
    """OpenRouter's `reasoning`."""

    effort: str | None = None
    max_tokens: int | None = None
    enabled: bool | None = None
    exclude: bool | None = None


class ThinkingShape(msgspec.Struct):
    """DeepSeek's `thinking`."""

    type: str


class RequestShape(msgspec.Struct):
    model: str
    messages: list[MessageShape]
    stream: bool | None = None
    tools: list[ToolShape] | None = None
    tool_choice: str | ToolChoiceShape | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormatShape | None = None
    reasoning_effort: str | None = None
    reasoning: ReasoningShape | None = None
    thinking: ThinkingShape | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    seed: int | None = None
    verbosity: str | None = None
    user: str | None = None
    safety_identifier: str | None = None
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    store: bool | None = None
    prompt_cache_key: str | None = None


class ChoiceShape(msgspec.Struct):
    index: int | None = None
    message: MessageShape | None = None
    delta: MessageShape | None = None
    finish_reason: str | None = None
    usage: msgspec.Raw = msgspec.Raw()
    """Moonshot's, in a stream."""


class GroqShape(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw()


class AnswerShape(msgspec.Struct):
    """A whole answer or a chunk of a stream."""

    id: str | None = None
    created: float | None = None
    model: str | None = None
    choices: list[ChoiceShape] | None = None
    usage: msgspec.Raw = msgspec.Raw()
    """Read by itself: an answer is no worse for a usage that is none."""
    service_tier: str | None = None
    error: Any = None
    citations: Any = None
    """Pages that the answer rests on: addresses (Perplexity, xAI)."""
    search_results: Any = None
    """The same with titles (Perplexity)."""
    x_groq: GroqShape | None = None
