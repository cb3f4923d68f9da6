"""Usage as Cohere reports it: `billed_units`, what is charged for, and `tokens`, which count its own prompt template
too. What is charged for is what the gateway counts; `tokens` stand in where nothing was billed."""

from typing import Annotated, Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.types.usage import Usage

Count = Annotated[float, msgspec.Meta(ge=0, le=2**53)]
"""Written as a number with or without a fraction; anything else is no count, and its usage unknown."""


class Units(msgspec.Struct, gc=False):
    input_tokens: Count | None = None
    output_tokens: Count | None = None


class CohereUsage(msgspec.Struct, gc=False):
    billed_units: Units | None = None
    tokens: Units | None = None
    cached_tokens: Count | None = None


class _Answer(msgspec.Struct, gc=False):
    usage: CohereUsage | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(CohereUsage | None).decode


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


def to_usage(reported: CohereUsage | None) -> Usage | None:
    """None when it counts nothing that is known."""
    if reported is None:
        return None
    for units in (reported.billed_units, reported.tokens):
        if units is not None and units.input_tokens is not None:
            read = int(units.input_tokens)
            cached = min(int(reported.cached_tokens or 0), read)
            return Usage(read, int(units.output_tokens or 0), cached)
    return None


def write_usage(usage: Usage) -> dict[str, Any]:
    units = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
    reported: dict[str, Any] = {"billed_units": units, "tokens": units}
    if usage.cache_read_tokens:
        reported["cached_tokens"] = usage.cache_read_tokens
    return reported
