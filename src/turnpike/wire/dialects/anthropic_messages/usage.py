"""Usage as Anthropic reports it: fresh input beside what came from and went into the prompt cache."""

from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import MediaUsage, Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Anything else is no count, and its usage unknown."""


class CacheCreation(msgspec.Struct, gc=False):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class OutputDetails(msgspec.Struct, gc=False):
    thinking_tokens: Count | None = None


class ServerTools(msgspec.Struct, gc=False):
    web_search_requests: Count | None = None


class MessagesUsage(msgspec.Struct, gc=False):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    server_tool_use: ServerTools | None = None
    service_tier: Any = None

    def updated(self, later: "MessagesUsage") -> "MessagesUsage":
        """Counts of a stream are totals so far: a later one stands for an earlier one, where it says anything."""
        changes = {name: value for name in _FIELDS if (value := getattr(later, name)) is not None}
        return msgspec.structs.replace(self, **changes)


_BATCH = MediaUsage(service_tier="batch")
"""The one tier of Anthropic's with another price; `priority` is capacity that was bought beforehand."""
_FIELDS = MessagesUsage.__struct_fields__


class _Answer(msgspec.Struct, gc=False):
    usage: MessagesUsage | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(MessagesUsage | None).decode


def read_usage(body: bytes) -> Usage | None:
    try:
        reported = _decode(body).usage
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error
    return None if reported is None else to_usage(reported)


def reported_in(raw: msgspec.Raw) -> MessagesUsage | None:
    """The JSON under `usage`; None for null and for what is no usage."""
    try:
        return _decode_usage(raw)
    except msgspec.DecodeError:
        return None


def to_usage(reported: MessagesUsage) -> Usage | None:
    """None when it counts nothing that is known."""
    fresh = reported.input_tokens
    if fresh is None:
        return None
    read = reported.cache_read_input_tokens or 0
    written = reported.cache_creation_input_tokens or 0
    kept_1h = reasoning = searches = 0
    if reported.cache_creation is not None:
        kept_1h = min(reported.cache_creation.ephemeral_1h_input_tokens or 0, written)
    if reported.output_tokens_details is not None:
        reasoning = reported.output_tokens_details.thinking_tokens or 0
    if reported.server_tool_use is not None:
        searches = reported.server_tool_use.web_search_requests or 0
    output = reported.output_tokens or 0
    media = _BATCH if reported.service_tier == "batch" else None
    return Usage(
        fresh + read + written, output, read, written - kept_1h, kept_1h, reasoning, 0, 0, 0, 1, searches, media
    )


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """Anthropic's form cannot leave usage out: what is unknown is written as 0."""
    if usage is None:
        usage = Usage()
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    reported: dict[str, Any] = {
        "input_tokens": max(usage.input_tokens - usage.cache_read_tokens - written, 0),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        reported["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if usage.web_searches:
        reported["server_tool_use"] = {"web_search_requests": usage.web_searches, "web_fetch_requests": 0}
    return reported
