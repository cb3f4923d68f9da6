"""What a usage costs. Rates are integer picodollars a unit, compiled by control from genai-prices or an override."""

import msgspec

PICO_PER_NANO = 1000


class Rates(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Picodollars (1e-12 USD) per token, per request, per search. $1 a million tokens is 1,000,000 a token."""

    input: int = 0
    output: int = 0
    cache_read: int | None = None
    """None: billed as fresh input."""
    cache_write: int | None = None
    cache_write_1h: int | None = None
    input_audio: int | None = None
    output_audio: int | None = None
    cache_read_audio: int | None = None
    request: int = 0
    web_search: int = 0
    tiers: tuple["Tier", ...] = ()
    """Ascending; the last one whose `above` is less than the usage's input tokens replaces these rates."""


class Tier(msgspec.Struct, frozen=True, gc=False):
    above: int
    """Input tokens."""
    rates: Rates
