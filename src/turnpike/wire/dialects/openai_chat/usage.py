"""Usage as OpenAI's forms report it, with the additions of servers that follow them."""

from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.openai_chat.shapes import AnswerShape
from turnpike.wire.dialects.openai_chat.usage_shapes import ChatUsage, UsageAlone
from turnpike.wire.types.usage import Usage, served_as

_decode = msgspec.json.Decoder(UsageAlone).decode
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


_USUAL = ("default", None, "auto", "standard")


def usage_of(raw: msgspec.Raw) -> Usage | None:
    """Of the JSON under `usage`; None for null and for what is no usage."""
    try:
        reported = _decode_usage(raw)
    except msgspec.DecodeError:
        return None
    return None if reported is None else to_usage(reported)


def chunk_usage(chunk: AnswerShape) -> Usage | None:
    """Of a chunk of a stream, wherever its server puts it."""
    usage = usage_of(chunk.usage)
    if usage is None and chunk.choices:
        usage = usage_of(chunk.choices[0].usage)
    if usage is None and chunk.x_groq is not None:
        usage = usage_of(chunk.x_groq.usage)
    return usage


def to_usage(reported: ChatUsage) -> Usage | None:
    """None when it counts nothing that is known."""
    prompt = reported.prompt_tokens
    output = reported.completion_tokens or 0
    if prompt is None:
        # Voyage counts a total only: of embeddings, it is the input.
        total = reported.total_tokens if reported.completion_tokens is None else None
        return None if total is None else Usage(total, 0)
    cached = written = audio_in = reasoning = audio_out = 0
    details = reported.prompt_tokens_details
    if details is not None:
        cached = details.cached_tokens or 0
        written = details.cache_write_tokens or 0
        audio_in = details.audio_tokens or 0
    if not cached:
        cached = reported.prompt_cache_hit_tokens or reported.cached_tokens or reported.num_cached_tokens or 0
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
