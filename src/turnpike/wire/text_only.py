"""Requests that are text and nothing else, told by one decode: most are, and need not be searched for anything."""

import msgspec


class _Said(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    role: str
    content: str | None = None
    name: str | None = None


class _StreamOptions(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    include_usage: bool | None = None


class _TextOnly(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """Chat in OpenAI's form and Anthropic's, and embeddings: members that name nothing beyond their own text."""

    model: str
    messages: list[_Said] = []
    system: str | None = None
    input: str | list[str] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    n: int | None = None
    stop: str | list[str] | None = None
    stop_sequences: list[str] | None = None
    seed: int | None = None
    user: str | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    reasoning_effort: str | None = None
    encoding_format: str | None = None
    dimensions: int | None = None


_decode = msgspec.json.Decoder(_TextOnly).decode


def is_text_only(body: bytes) -> bool:
    """False also for what cannot be told so quickly."""
    try:
        _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
