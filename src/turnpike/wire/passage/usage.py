"""Usage in whatever form an answer carries it: OpenAI's two, Anthropic's, Gemini's; whole answers, events, batches."""

from typing import Any, cast

from turnpike.wire.types.usage import Usage

_LARGEST = 2**53


def usage_in(answer: Any) -> Usage | None:
    """Of a decoded answer, event or object; None when it reports none that is known."""
    if not isinstance(answer, dict):
        return None
    holder = cast("dict[str, Any]", answer)
    for name in ("usage", "usageMetadata"):
        reported = holder.get(name)
        if isinstance(reported, dict):
            return read_usage(cast("dict[str, Any]", reported))
    # Events wrap what they speak of: {"type": "response.completed", "response": {...}}, {"type": "message_start"...}.
    for name in ("response", "message", "data", "body"):
        inner = holder.get(name)
        if isinstance(inner, dict):
            found = usage_in(inner)
            if found is not None:
                return found
    return None


def read_usage(reported: dict[str, Any]) -> Usage | None:
    """Raises nothing: what is no usage is None."""
    if "promptTokenCount" in reported or "totalTokenCount" in reported:
        return _gemini(reported)
    if "cache_read_input_tokens" in reported or "cache_creation_input_tokens" in reported:
        return _anthropic(reported)
    inputs = _count(reported, "input_tokens", "prompt_tokens")
    outputs = _count(reported, "output_tokens", "completion_tokens")
    if not inputs and not outputs:
        return None
    details = _object(reported, "input_tokens_details", "prompt_tokens_details")
    more = _object(reported, "output_tokens_details", "completion_tokens_details")
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read_tokens=_count(details, "cached_tokens"),
        cache_write_tokens=_count(details, "cache_write_tokens"),
        reasoning_tokens=_count(more, "reasoning_tokens"),
        input_audio_tokens=_count(details, "audio_tokens"),
        output_audio_tokens=_count(more, "audio_tokens"),
    )


def _anthropic(reported: dict[str, Any]) -> Usage | None:
    """Fresh, read and written input stand beside each other there; a total includes them here."""
    read = _count(reported, "cache_read_input_tokens")
    written = _count(reported, "cache_creation_input_tokens")
    long = min(_count(_object(reported, "cache_creation"), "ephemeral_1h_input_tokens"), written)
    inputs = _count(reported, "input_tokens") + read + written
    outputs = _count(reported, "output_tokens")
    if not inputs and not outputs:
        return None
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read_tokens=read,
        cache_write_tokens=written - long,
        cache_write_1h_tokens=long,
    )


def _gemini(reported: dict[str, Any]) -> Usage | None:
    thoughts = _count(reported, "thoughtsTokenCount")
    inputs = _count(reported, "promptTokenCount") + _count(reported, "toolUsePromptTokenCount")
    outputs = _count(reported, "candidatesTokenCount") + thoughts
    if not inputs and not outputs:
        return None
    return Usage(
        input_tokens=inputs,
        output_tokens=outputs,
        cache_read_tokens=_count(reported, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
    )


def added(first: Usage | None, second: Usage) -> Usage:
    """The sum of two usages of tokens, e.g. of a batch's lines."""
    if first is None:
        return second
    counts = {
        name: getattr(first, name) + getattr(second, name)
        for name in Usage.__struct_fields__
        if isinstance(getattr(first, name), int)
    }
    return Usage(**counts)


def merged(first: Usage | None, second: Usage) -> Usage:
    """Of two reports of one answer the larger counts: a stream may tell its input first and its output last."""
    if first is None:
        return second
    counts = {
        name: max(getattr(first, name), getattr(second, name))
        for name in Usage.__struct_fields__
        if isinstance(getattr(first, name), int)
    }
    return Usage(**counts)


def _object(holder: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        inner = holder.get(name)
        if isinstance(inner, dict):
            return cast("dict[str, Any]", inner)
    return {}


def _count(holder: dict[str, Any], *names: str) -> int:
    for name in names:
        value = holder.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST:
            return value
    return 0
