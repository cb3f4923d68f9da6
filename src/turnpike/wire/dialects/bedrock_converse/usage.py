"""Usage as Converse reports it: fresh input beside what came from and went into the prompt cache."""

from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class CacheDetail(msgspec.Struct, rename="camel", gc=False):
    ttl: str = ""
    input_tokens: Count = 0


class ConverseUsage(msgspec.Struct, rename="camel", gc=False):
    input_tokens: Count
    output_tokens: Count = 0
    cache_read_input_tokens: Count | None = None
    cache_write_input_tokens: Count | None = None
    cache_details: list[CacheDetail] | None = None


class _Answer(msgspec.Struct, gc=False):
    usage: ConverseUsage | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(ConverseUsage | None).decode


def read_usage(body: bytes) -> Usage | None:
    try:
        return to_usage(_decode(body).usage)
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error


def usage_in(raw: msgspec.Raw) -> Usage | None:
    """The JSON under `usage`; None for null and for what is no usage."""
    try:
        return to_usage(_decode_usage(raw))
    except msgspec.DecodeError:
        return None


def to_usage(reported: ConverseUsage | None) -> Usage | None:
    if reported is None:
        return None
    read = reported.cache_read_input_tokens or 0
    written = reported.cache_write_input_tokens or 0
    kept_1h = sum(detail.input_tokens for detail in reported.cache_details or () if detail.ttl == "1h")
    kept_1h = min(kept_1h, written)
    return Usage(
        input_tokens=reported.input_tokens + read + written,
        output_tokens=reported.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written - kept_1h,
        cache_write_1h_tokens=kept_1h,
    )


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """Converse cannot leave usage out: what is unknown is written as 0."""
    if usage is None:
        usage = Usage()
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    reported: dict[str, Any] = {
        "inputTokens": max(usage.input_tokens - usage.cache_read_tokens - written, 0),
        "outputTokens": usage.output_tokens,
        "totalTokens": usage.input_tokens + usage.output_tokens,
        "cacheReadInputTokens": usage.cache_read_tokens,
        "cacheWriteInputTokens": written,
    }
    lives = (("5m", usage.cache_write_tokens), ("1h", usage.cache_write_1h_tokens))
    if written:
        reported["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in lives if count]
    return reported
