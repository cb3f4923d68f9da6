"""Usage as OpenAI's forms report it, with the additions of servers that follow them."""

from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import Usage, served_as

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Anything else is no count, and its usage unknown."""


class PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class ChatUsage(msgspec.Struct, gc=False):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    """DeepSeek."""
    cached_tokens: Count | None = None
    """Together and others."""
    num_search_queries: Count | None = None


class _Answer(msgspec.Struct, gc=False):
    usage: ChatUsage | None = None
    service_tier: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(ChatUsage | None).decode


def read_usage(body: bytes) -> Usage | None:
    try:
        answer = _decode(body)
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error
    usage = None if answer.usage is None else to_usage(answer.usage)
    if answer.service_tier in _USUAL or usage is None:
        return usage
    return served_as(usage, answer.service_tier)


_USUAL = (None, "default", "auto", "standard")


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Of the JSON under `usage`; None for null and for what is no usage."""
    try:
        reported = _decode_usage(raw)
    except msgspec.DecodeError:
        return None
    return None if reported is None else to_usage(reported)


def to_usage(reported: ChatUsage) -> Usage | None:
    """None when it counts nothing that is known."""
    prompt = reported.prompt_tokens
    output = reported.completion_tokens or 0
    if prompt is None:
        return None
    cached = written = audio_in = reasoning = audio_out = 0
    details = reported.prompt_tokens_details
    if details is not None:
        cached = details.cached_tokens or 0
        written = details.cache_write_tokens or 0
        audio_in = details.audio_tokens or 0
    if not cached:
        cached = reported.prompt_cache_hit_tokens or reported.cached_tokens or 0
    more = reported.completion_tokens_details
    if more is not None:
        reasoning = more.reasoning_tokens or 0
        audio_out = more.audio_tokens or 0
        # xAI counts reasoning beside the completion: its total tells.
        if reasoning and reported.total_tokens == prompt + output + reasoning:
            output += reasoning
    return Usage(
        prompt, output, cached, written, 0, reasoning, audio_in, audio_out, 0, 1, reported.num_search_queries or 0
    )


def write_usage(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
            "audio_tokens": usage.input_audio_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.output_audio_tokens,
        },
    }
