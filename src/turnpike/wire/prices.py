"""What a usage costs. Rates are integer picodollars a unit, compiled by control from genai-prices or an override."""

from collections.abc import Callable

import msgspec

from turnpike.wire.estimate import estimate_usage as estimate_usage
from turnpike.wire.types.usage import Usage

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


def rates_in_force(rates: Rates, input_tokens: int) -> Rates:
    """The rates of the tier that so many input tokens fall into: all of a usage is billed at one tier."""
    chosen = rates
    for tier in rates.tiers:
        if input_tokens <= tier.above:
            break
        chosen = tier.rates
    return chosen


def cost_nanousd(usage: Usage, rates: Rates) -> int:
    """What a usage costs, in nano-dollars: exact in picodollars, rounded half up once, at the end.

    Totals are divided into disjoint parts, and each is billed once: input into fresh text, cache reads, cache writes
    of two lives and audio (fresh or read); output into text and audio. A part without a rate of its own is billed at
    the nearest one above it. Written as differences from the plain rates, so that the common usage costs two products.
    """
    if rates.tiers:
        rates = rates_in_force(rates, usage.input_tokens)
    plain = rates.input
    pico = usage.input_tokens * plain + usage.output_tokens * rates.output + usage.requests * rates.request
    if usage.cache_read_tokens and rates.cache_read is not None:
        pico += usage.cache_read_tokens * (rates.cache_read - plain)
    if usage.cache_write_tokens and rates.cache_write is not None:
        pico += usage.cache_write_tokens * (rates.cache_write - plain)
    if usage.cache_write_1h_tokens:
        write = rates.cache_write if rates.cache_write_1h is None else rates.cache_write_1h
        if write is not None:
            pico += usage.cache_write_1h_tokens * (write - plain)
    if usage.input_audio_tokens or usage.output_audio_tokens or usage.web_searches:
        pico += _rarer_pico(usage, rates)
    return (pico + 500) // PICO_PER_NANO if pico > 0 else 0


def _rarer_pico(usage: Usage, rates: Rates) -> int:
    pico = usage.web_searches * rates.web_search
    read = min(usage.cache_read_audio_tokens, usage.input_audio_tokens)
    if rates.input_audio is not None:
        pico += (usage.input_audio_tokens - read) * (rates.input_audio - rates.input)
    if read and rates.cache_read_audio is not None:
        pico += read * (rates.cache_read_audio - (rates.input if rates.cache_read is None else rates.cache_read))
    if rates.output_audio is not None:
        pico += usage.output_audio_tokens * (rates.output_audio - rates.output)
    return pico


def compile_cost(rates: Rates) -> Callable[[Usage], int]:
    """`cost_nanousd` for one deployment's rates: the plain ones, which most models have, are bound beforehand."""
    if rates.tiers:
        return lambda usage: cost_nanousd(usage, rates)
    plain, output, request = rates.input, rates.output, rates.request

    def cost(usage: Usage) -> int:
        if (
            usage.cache_read_tokens
            or usage.cache_write_tokens
            or usage.cache_write_1h_tokens
            or usage.input_audio_tokens
            or usage.output_audio_tokens
            or usage.web_searches
        ):
            return cost_nanousd(usage, rates)
        pico = usage.input_tokens * plain + usage.output_tokens * output + usage.requests * request
        return (pico + 500) // PICO_PER_NANO

    return cost


def dearest(rates: Rates) -> tuple[int, int]:
    """The highest picodollars that one input token and one output token can cost, over all tiers and parts."""
    every = (rates, *(tier.rates for tier in rates.tiers))
    inputs = max(
        max(one.input, one.cache_write or 0, one.cache_write_1h or 0, one.input_audio or 0, one.cache_read or 0)
        for one in every
    )
    return inputs, max(max(one.output, one.output_audio or 0) for one in every)


def cost_bound_nanousd(input_tokens: int, output_tokens: int, rates: Rates, *, requests: int = 1) -> int:
    """An upper bound of what a call can cost that uses at most so many tokens; web searches apart."""
    dear_input, dear_output = dearest(rates)
    fee = max(one.request for one in (rates, *(tier.rates for tier in rates.tiers)))
    pico = input_tokens * dear_input + output_tokens * dear_output + requests * fee
    return -(-pico // PICO_PER_NANO)
