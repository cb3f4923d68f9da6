"""What a usage costs. Rates are integer picodollars a unit, compiled by control from price lists or an override.

Tokens are priced here; what is counted in other units (images, seconds, characters) in `turnpike.wire.media_rates`.
"""

from collections.abc import Callable

import msgspec

from turnpike.wire.estimate import estimate_usage as estimate_usage
from turnpike.wire.media_rates import MediaRates, fees_pico, parts_pico
from turnpike.wire.types.usage import MediaUsage, Usage

PICO_PER_NANO = 1000
PER_MILLE = 1000


class Unpriced(Exception):
    """What a usage counts has no rate here: the cost is not known, which is something else than nothing."""


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
    media: MediaRates | None = None
    """Those of a tier are the whole model's where the tier has none of its own."""
    services: tuple["Service", ...] = ()
    """Of the whole model; a tier has none."""


class Tier(msgspec.Struct, frozen=True, gc=False):
    above: int
    """Input tokens."""
    rates: Rates


class Service(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A way of serving that a provider bills at other prices: batch, flex, priority."""

    name: str
    per_mille: int = PER_MILLE
    """Of the rates; fees (requests, searches, other tools) are not discounted."""
    rates: Rates | None = None
    """Replace the model's own, tiers included, but for fees."""


STANDARD = Service("")


def service_of(rates: Rates, name: str) -> Service:
    """The one of that name; a name that has no price of its own is billed as usual."""
    if name:
        for service in rates.services:
            if service.name == name:
                return service
    return STANDARD


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
    of two lives, images and audio (fresh or read); output into text, images and audio. A part without a rate of its
    own is billed at the nearest one above it. Raises Unpriced when all that is counted is media for which the model
    has no price.
    """
    if usage.media is not None:
        return _media_nanousd(usage, usage.media, rates)
    if rates.tiers:
        rates = rates_in_force(rates, usage.input_tokens)
    pico = _tokens_pico(usage, rates) + usage.requests * rates.request + usage.web_searches * rates.web_search
    return (pico + 500) // PICO_PER_NANO if pico > 0 else 0


def _tokens_pico(usage: Usage, rates: Rates) -> int:
    """Written as differences from the plain rates, so that the common usage costs two products."""
    plain = rates.input
    pico = usage.input_tokens * plain + usage.output_tokens * rates.output
    if usage.cache_read_tokens and rates.cache_read is not None:
        pico += usage.cache_read_tokens * (rates.cache_read - plain)
    if usage.cache_write_tokens and rates.cache_write is not None:
        pico += usage.cache_write_tokens * (rates.cache_write - plain)
    if usage.cache_write_1h_tokens:
        write = rates.cache_write if rates.cache_write_1h is None else rates.cache_write_1h
        if write is not None:
            pico += usage.cache_write_1h_tokens * (write - plain)
    if usage.input_audio_tokens or usage.output_audio_tokens:
        pico += _audio_pico(usage, rates)
    return pico


def _audio_pico(usage: Usage, rates: Rates) -> int:
    pico = 0
    read = min(usage.cache_read_audio_tokens, usage.input_audio_tokens)
    if rates.input_audio is not None:
        pico += (usage.input_audio_tokens - read) * (rates.input_audio - rates.input)
    if read and rates.cache_read_audio is not None:
        pico += read * (rates.cache_read_audio - (rates.input if rates.cache_read is None else rates.cache_read))
    if rates.output_audio is not None:
        pico += usage.output_audio_tokens * (rates.output_audio - rates.output)
    return pico


def _media_nanousd(usage: Usage, media: MediaUsage, model: Rates) -> int:
    service = service_of(model, media.service_tier)
    whole = service.rates or model
    rates = rates_in_force(whole, usage.input_tokens)
    usual = rates_in_force(model, usage.input_tokens)
    parts = _tokens_pico(usage, rates)
    fees = usage.requests * usual.request + usage.web_searches * usual.web_search
    media_rates = rates.media or whole.media or model.media
    if media_rates is not None:
        parts += parts_pico(usage, media, media_rates, rates.input, rates.output)
        fees += fees_pico(media, media_rates)
    milli_pico = parts * service.per_mille + fees * PER_MILLE
    if milli_pico <= 0:
        if _counts_pieces(media) and model != _FREE:
            raise Unpriced
        return 0
    unit = PICO_PER_NANO * PER_MILLE
    return (milli_pico + unit // 2) // unit


_FREE = Rates()


def _counts_pieces(media: MediaUsage) -> bool:
    return bool(
        media.images or media.input_audio_ms or media.output_audio_ms or media.video_ms or media.characters
        or media.searches or media.pages
    )  # fmt: skip


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
            or usage.media is not None
        ):
            return cost_nanousd(usage, rates)
        pico = usage.input_tokens * plain + usage.output_tokens * output + usage.requests * request
        return (pico + 500) // PICO_PER_NANO

    return cost


# ---- bounds


def dearest(rates: Rates) -> tuple[int, int]:
    """The highest picodollars that one input token and one output token can cost, over all tiers and parts."""
    every = (rates, *(tier.rates for tier in rates.tiers))
    inputs = max(
        max(
            one.input, one.cache_write or 0, one.cache_write_1h or 0, one.input_audio or 0, one.cache_read or 0,
            one.cache_read_audio or 0, (one.media.input_image or 0) if one.media else 0,
        )
        for one in every
    )  # fmt: skip
    outputs = max(
        max(one.output, one.output_audio or 0, (one.media.output_image or 0) if one.media else 0) for one in every
    )
    return inputs, outputs


def cost_bound_nanousd(
    input_tokens: int, output_tokens: int, rates: Rates, *, requests: int = 1, media: MediaUsage | None = None
) -> int:
    """An upper bound of what a call can cost that uses at most so many tokens and, in `media`, at most so much of
    everything else; web searches apart. The service tier that `media` names is taken; an unknown one as usual."""
    service = service_of(rates, media.service_tier) if media is not None else STANDARD
    whole = service.rates or rates
    dear_input, dear_output = dearest(whole)
    parts = input_tokens * dear_input + output_tokens * dear_output
    fees = requests * max(one.request for one in (rates, *(tier.rates for tier in rates.tiers)))
    if media is not None:
        of_media = [one.media for one in (whole, *(tier.rates for tier in whole.tiers), rates) if one.media]
        # Image tokens are in the tokens already, at their dearest: what is counted by the piece comes on top.
        pieces = msgspec.structs.replace(media, input_image_tokens=0, output_image_tokens=0)
        parts += max((parts_pico(_NO_TOKENS, pieces, one, 0, 0) for one in of_media), default=0)
        fees += max((fees_pico(pieces, one) for one in of_media), default=0)
    milli_pico = parts * service.per_mille + fees * PER_MILLE
    return -(-milli_pico // (PICO_PER_NANO * PER_MILLE))


_NO_TOKENS = Usage()
