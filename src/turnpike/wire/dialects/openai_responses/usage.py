"""Usage as the Responses form reports it, and the searches beside it."""

from collections.abc import Iterable
from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import Usage

Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Anything else is no count, and its usage unknown."""


class InputDetails(msgspec.Struct, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None


class ResponsesUsage(msgspec.Struct, gc=False):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None


class WebSearch(msgspec.Struct, gc=False):
    num_requests: Count | None = None


class ToolUsage(msgspec.Struct, gc=False):
    web_search: WebSearch | None = None


class _Item(msgspec.Struct):
    type: str | None = None
    action: Any = None


class Answer(msgspec.Struct):
    """What of an answer tells its price."""

    usage: ResponsesUsage | None = None
    tool_usage: ToolUsage | None = None
    output: list[_Item] | None = None

    def counted(self) -> Usage | None:
        """None when it counts nothing that is known."""
        return None if self.usage is None else to_usage(self.usage, _searches(self.tool_usage, self.output or ()))


_decode = msgspec.json.Decoder(Answer).decode
_decode_usage = msgspec.json.Decoder(ResponsesUsage | None).decode
_decode_tools = msgspec.json.Decoder(ToolUsage | None).decode
_decode_item = msgspec.json.Decoder(_Item).decode


def _searches(told: ToolUsage | None, output: Iterable[_Item]) -> int:
    if told is not None and told.web_search is not None:
        return told.web_search.num_requests or 0
    return sum(1 for item in output if item.type == "web_search_call" and _searched(item.action))


def _searched(action: Any) -> bool:
    """Opening a page and looking in it are not billed."""
    return not isinstance(action, dict) or action.get("type") == "search"  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON of any shape


def read_usage(body: bytes) -> Usage | None:
    try:
        return _decode(body).counted()
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error


def usage_of(usage: msgspec.Raw, tool_usage: msgspec.Raw, output: Iterable[msgspec.Raw]) -> Usage | None:
    """Of the members of an answer that was read before; None for what is no usage."""
    try:
        reported = _decode_usage(usage)
        told = _decode_tools(tool_usage) if bytes(tool_usage) else None
        items = [_decode_item(raw) for raw in output if b"web_search_call" in bytes(raw)]
    except msgspec.DecodeError:
        return None
    return None if reported is None else to_usage(reported, _searches(told, items))


def to_usage(reported: ResponsesUsage, searches: int = 0) -> Usage | None:
    total = reported.input_tokens
    if total is None:
        return None
    cached = written = audio_in = reasoning = audio_out = 0
    details = reported.input_tokens_details
    if details is not None:
        cached, written = details.cached_tokens or 0, details.cache_write_tokens or 0
        audio_in = details.audio_tokens or 0
    more = reported.output_tokens_details
    if more is not None:
        reasoning, audio_out = more.reasoning_tokens or 0, more.audio_tokens or 0
    output = reported.output_tokens or 0
    return Usage(total, output, cached, written, 0, reasoning, audio_in, audio_out, 0, 1, searches)


def write_usage(usage: Usage) -> dict[str, Any]:
    written: dict[str, Any] = {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }
    if usage.input_audio_tokens:
        written["input_tokens_details"]["audio_tokens"] = usage.input_audio_tokens
    if usage.output_audio_tokens:
        written["output_tokens_details"]["audio_tokens"] = usage.output_audio_tokens
    return written
