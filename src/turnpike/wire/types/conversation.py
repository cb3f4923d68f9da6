"""Canonical conversation: a request for an answer, and the answer, between two dialects.

A message is a role and parts. Every dialect's way of saying the same thing is brought to one normal form: system
prompts are messages, tool calls are parts of the assistant's message, and the results of one turn's calls stand
together in one `tool` message. JSON that only passes through (schemas, arguments of calls) keeps its own text.

What a dialect can say and no other can is in `Request.extra`, under that dialect's own field names: it is written
back to the same dialect and refused for another one.
"""

from enum import StrEnum
from typing import Literal

import msgspec

from turnpike.wire.types.usage import Usage

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Ascending."""


class CacheMark(msgspec.Struct, frozen=True):
    """The provider is asked to keep the prompt up to here in its prompt cache."""

    ttl: str | None = None
    """`5m`, `30m`, `1h`, `12h`, or None for the provider's default."""


# ---- parts


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of text rests on: a page (`url`) or a document of the request (`document`, its number from 0, or
    `file_id`)."""

    url: str | None = None
    title: str | None = None
    document: int | None = None
    file_id: str | None = None
    cited_text: str | None = None
    start: int | None = None
    """With `end`: the characters of the text that rest on it; None: the text up to here."""
    end: int | None = None
    extra: msgspec.Raw | None = None
    """The citation as its dialect wrote it, to go back to that dialect (`extra_of`) whole."""
    extra_of: str | None = None


class TopLogprob(msgspec.Struct, frozen=True):
    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None


class TokenLogprob(msgspec.Struct, frozen=True):
    """Of one output token, with the likeliest ones in its place."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None
    top: tuple[TopLogprob, ...] = ()


class TextPart(msgspec.Struct, frozen=True, tag_field="type", tag="text"):
    text: str
    cache: CacheMark | None = None
    citations: tuple[Citation, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    signature: str | None = None
    """Proves to its provider (Gemini) what was thought before this part."""


class ImagePart(msgspec.Struct, frozen=True, tag_field="type", tag="image", kw_only=True):
    """One of `url`, `data` (base64, with `media_type`) or `file_id` (a file kept at one provider)."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    detail: str | None = None
    cache: CacheMark | None = None


class AudioPart(msgspec.Struct, frozen=True, tag_field="type", tag="audio"):
    data: str
    """Base64."""
    format: str
    """`wav`, `mp3`; `pcm16` for 24 kHz little-endian samples."""
    id: str | None = None
    """Of an answer's audio: what a later request may name instead of the data."""
    transcript: str | None = None
    expires_at_s: int | None = None


class FilePart(msgspec.Struct, frozen=True, tag_field="type", tag="file", kw_only=True):
    """A document: one of `data` (base64, with `media_type`), `url`, `file_id` or `text`."""

    data: str | None = None
    media_type: str | None = None
    url: str | None = None
    file_id: str | None = None
    text: str | None = None
    name: str | None = None
    cache: CacheMark | None = None


class ToolCall(msgspec.Struct, frozen=True, tag_field="type", tag="tool_call"):
    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    cache: CacheMark | None = None
    signature: str | None = None
    """Proves to its provider (Gemini) what was thought before this call."""


class ToolResult(msgspec.Struct, frozen=True, tag_field="type", tag="tool_result"):
    call_id: str
    parts: tuple["TextPart | ImagePart | FilePart", ...]
    is_error: bool = False
    cache: CacheMark | None = None


class Reasoning(msgspec.Struct, frozen=True, tag_field="type", tag="reasoning"):
    """What the model thought. `signature` proves to its provider that the text is unchanged; `redacted` is thinking
    that only the provider can read (then `text` is empty)."""

    text: str = ""
    signature: str | None = None
    redacted: str | None = None


class Refusal(msgspec.Struct, frozen=True, tag_field="type", tag="refusal"):
    text: str


class ServerItem(msgspec.Struct, frozen=True, tag_field="type", tag="server_item"):
    """An item of a tool that the provider runs itself (a web search, executed code): said in one dialect only, and
    refused in any other."""

    dialect: str
    kind: str
    """The item's own type in that dialect, for messages."""
    raw: msgspec.Raw


Part = TextPart | ImagePart | AudioPart | FilePart | ToolCall | ToolResult | Reasoning | Refusal | ServerItem


class Message(msgspec.Struct, frozen=True):
    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


# ---- what is asked for


class Tool(msgspec.Struct, frozen=True):
    """A function that the caller can run."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    """A JSON schema of an object; None takes no arguments."""
    strict: bool | None = None
    cache: CacheMark | None = None


class ServerTool(msgspec.Struct, frozen=True):
    """A tool that the provider runs itself, in the words of the one dialect that has it."""

    dialect: str
    kind: str
    raw: msgspec.Raw


class ToolChoice(msgspec.Struct, frozen=True):
    mode: Literal["auto", "none", "required", "tool"]
    name: str | None = None
    """Of the one tool that must be called, in mode `tool`."""


class ResponseFormat(msgspec.Struct, frozen=True):
    kind: Literal["text", "json_object", "json_schema"]
    json_schema: msgspec.Raw | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


class ReasoningConfig(msgspec.Struct, frozen=True):
    """How much the model may think. `effort` is in words, `budget_tokens` in tokens; `mode` switches it."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    mode: Literal["enabled", "disabled", "adaptive", "between_tools"] | None = None
    display: Literal["summarized", "omitted"] | None = None


class AudioConfig(msgspec.Struct, frozen=True):
    """How spoken answers should sound."""

    voice: str
    format: str = "wav"


class Request(msgspec.Struct, kw_only=True):
    model: str
    """As the caller named it."""
    messages: tuple[Message, ...]
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    server_tools: tuple[ServerTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: ReasoningConfig | None = None
    max_output_tokens: int | None = None
    """Visible and reasoning tokens together."""
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    modalities: tuple[str, ...] = ()
    """What the answer may hold: `text`, `audio`, `image`; empty leaves it to the model."""
    audio: AudioConfig | None = None
    verbosity: str | None = None
    user: str | None = None
    """The caller's own end user, opaque."""
    metadata: dict[str, str] | None = None
    service_tier: str | None = None
    """In OpenAI's words: auto, default, flex, priority."""
    store: bool | None = None
    prompt_cache_key: str | None = None
    extra_of: str | None = None
    """The dialect whose words `extra` is in."""
    extra: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict[str, msgspec.Raw])


# ---- the answer


class StopReason(StrEnum):
    END = "end"
    MAX_TOKENS = "max_tokens"
    STOP_SEQUENCE = "stop_sequence"
    TOOL_CALLS = "tool_calls"
    REFUSAL = "refusal"
    """The model or a filter would not answer."""
    CONTEXT_EXCEEDED = "context_exceeded"
    PAUSED = "paused"
    """A long turn of a provider's own tools; sent back as it is, it goes on."""


class SafetyRating(msgspec.Struct, frozen=True):
    """A provider's judgement of an answer, in its own words."""

    category: str
    probability: str
    blocked: bool = False


class Response(msgspec.Struct, kw_only=True):
    id: str
    model: str
    """As the provider calls it."""
    parts: tuple[Part, ...] = ()
    stop_reason: StopReason = StopReason.END
    stop_sequence: str | None = None
    usage: Usage | None = None
    created_s: int = 0
    """0 when the provider does not say."""
    service_tier: str | None = None
    safety: tuple[SafetyRating, ...] = ()
