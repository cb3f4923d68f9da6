"""What a usage costs: worked examples, and agreement with genai-prices on its own models."""

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import msgspec
import pytest
from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from genai_prices.data_snapshot import get_snapshot
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.wire.estimate import estimate_usage, input_bound, stream_tokens, tokens_of_bytes
from turnpike.wire.prices import (
    Rates,
    Tier,
    compile_cost,
    cost_bound_nanousd,
    cost_nanousd,
    rates_in_force,
)
from turnpike.wire.types.usage import Usage

MILLION = 1_000_000


def dollars(per_million: str) -> int:
    """Picodollars a token."""
    return int(Decimal(per_million) * MILLION)


SONNET = Rates(
    input=dollars("3"),
    output=dollars("15"),
    cache_read=dollars("0.3"),
    cache_write=dollars("3.75"),
    cache_write_1h=dollars("6"),
    web_search=10 * 10**12 // 1000,
    tiers=(Tier(200_000, Rates(input=dollars("6"), output=dollars("22.5"), cache_read=dollars("0.6"))),),
)
AUDIO = Rates(
    input=dollars("2.5"), output=dollars("10"), cache_read=dollars("1.25"),
    input_audio=dollars("40"), output_audio=dollars("80"), cache_read_audio=dollars("2.5"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "usage", "nanousd"),
    [
        (Rates(), Usage(1000, 1000), 0),
        # 1,000 x $3/M + 100 x $15/M = $0.0045
        (SONNET, Usage(1000, 100), 4_500_000),
        # 200 fresh + 500 read + 100 written + 200 written for an hour, 2 searches
        (SONNET, Usage(1000, 0, 500, 100, 200, web_searches=2), 600_000 + 150_000 + 375_000 + 1_200_000 + 20_000_000),
        # the tier begins above its mark, and then holds for all of it
        (SONNET, Usage(200_000, 10), 600_000_000 + 150_000),
        (SONNET, Usage(200_001, 10), 1_200_006_000 + 225_000),
        # a part without a rate of its own is billed at the nearest above it
        (Rates(input=dollars("1"), output=0), Usage(1000, 0, 500, 100, 200, input_audio_tokens=50), 1_000_000),
        (Rates(input=0, output=0, cache_write=dollars("1")), Usage(1000, 0, 0, 0, 200), 200_000),
        # 70 text in, 30 audio in of which 10 read; 5 text out, 15 audio out
        (
            AUDIO,
            Usage(100, 20, 10, input_audio_tokens=30, output_audio_tokens=15, cache_read_audio_tokens=10),
            70 * 2_500 + 20 * 40_000 + 10 * 2_500 + 5 * 10_000 + 15 * 80_000,
        ),
        (Rates(request=5 * 10**9), Usage(requests=1), 5_000_000),
        # half a nano-dollar is rounded up, once, at the end
        (Rates(input=500), Usage(1), 1),
        (Rates(input=499), Usage(1), 0),
        (Rates(input=250, output=250), Usage(1, 1), 1),
    ],
)
def test_a_usage_costs_what_the_price_page_says(rates: Rates, usage: Usage, nanousd: int) -> None:
    assert cost_nanousd(usage, rates) == nanousd
    assert compile_cost(rates)(usage) == nanousd


def test_a_provider_that_counts_more_in_parts_than_in_all_costs_nothing_below_zero() -> None:
    assert cost_nanousd(Usage(1, 0, 1000), Rates(input=10**6, cache_read=0)) == 0


def test_the_tier_is_the_last_whose_mark_is_passed() -> None:
    tiers = (Tier(10, Rates(input=2)), Tier(20, Rates(input=3)))
    rates = Rates(input=1, tiers=tiers)
    assert [rates_in_force(rates, tokens).input for tokens in (0, 10, 11, 20, 21)] == [1, 1, 2, 2, 3]


# ---- the same as genai-prices

KEYS = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "cache_audio_read_mtok": "cache_read_audio",
}
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def compiled(price: ModelPrice) -> Rates | None:
    """Rates of a price, or None for one that is no whole number of picodollars, or of kinds that conversations lack."""
    values: dict[str, Any] = {key: value for key, value in vars(price).items() if value is not None}
    searches = values.pop("web_searches_kcount", Decimal(0))
    requests = values.pop("requests_kcount", Decimal(0))
    if not set(values) <= set(KEYS) or "input_mtok" not in values or isinstance(searches, TieredPrices):
        return None
    starts = sorted(
        {tier.start for value in values.values() if isinstance(value, TieredPrices) for tier in value.tiers}
    )

    exact = True

    def at(start: int | None) -> Rates:
        nonlocal exact
        chosen: dict[str, Any] = {}
        for key, value in values.items():
            amount = value
            if isinstance(value, TieredPrices):
                amount = value.base
                for tier in value.tiers:
                    if start is not None and tier.start <= start:
                        amount = tier.price
            exact &= amount * MILLION == int(amount * MILLION)
            chosen[KEYS[key]] = int(amount * MILLION)
        return Rates(**chosen, request=int(requests * 10**9), web_search=int(searches * 10**9))

    plain = at(None)
    tiers = tuple(Tier(start, at(start)) for start in starts)
    return msgspec.structs.replace(plain, tiers=tiers) if exact else None


def priced_models() -> list[tuple[str, ModelInfo, Rates]]:
    found: list[tuple[str, ModelInfo, Rates]] = []
    for provider in get_snapshot().providers:
        for model in provider.models:
            rates = compiled(model.get_prices(NOW))
            if rates is not None:
                found.append((provider.id, model, rates))
    return found


MODELS = priced_models()


def test_nearly_all_of_its_models_can_be_compared() -> None:
    assert len(MODELS) > 1500
    assert sum(bool(rates.tiers) for _, _, rates in MODELS) > 50


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    small, large = st.integers(0, 3000), st.integers(0, 400_000)
    fresh, read, written, hour, said = draw(large), draw(small), draw(small), draw(small), draw(small)
    return Usage(fresh + read + written + hour, said, read, written, hour, web_searches=draw(st.integers(0, 3)))


@settings(max_examples=300)
@given(st.sampled_from(MODELS), usages())
def test_the_cost_is_genai_prices_own(entry: tuple[str, ModelInfo, Rates], usage: Usage) -> None:
    provider, model, rates = entry
    told = PricedUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens + usage.cache_write_1h_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        web_searches=usage.web_searches,
    )
    expected = model.get_prices(NOW).calc_price(told)["total_price"]
    nanousd = int((expected * 10**9).to_integral_value(ROUND_HALF_UP))
    assert cost_nanousd(usage, rates) == compile_cost(rates)(usage) == nanousd, (provider, model.id)


def test_a_price_looked_up_by_name_is_ours() -> None:
    price = calc_price(
        PricedUsage(input_tokens=1000, output_tokens=100, cache_read_tokens=500),
        "claude-sonnet-4-0",
        provider_id="anthropic",
        genai_request_timestamp=NOW,
    )
    assert cost_nanousd(Usage(1000, 100, 500), SONNET) == int(price.total_price * 10**9)


# ---- bounds and estimates


@given(usages(), st.sampled_from(MODELS), st.integers(0, 5000))
def test_no_usage_within_the_bound_costs_more_than_the_bound(
    usage: Usage, entry: tuple[str, ModelInfo, Rates], spare: int
) -> None:
    rates = entry[2]
    bound = cost_bound_nanousd(usage.input_tokens + spare, usage.output_tokens, rates)
    usage = Usage(
        usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
    )  # fmt: skip
    assert cost_nanousd(usage, rates) <= bound


def test_input_is_bounded_by_bytes_and_the_window() -> None:
    assert input_bound(1000, None) == 1064
    assert input_bound(1000, 500) == 500
    assert input_bound(1000, 500, by_reference=True) == 500
    assert input_bound(1000, None, by_reference=True) is None


def test_estimates_follow_their_stated_rules() -> None:
    assert [tokens_of_bytes(size) for size in (0, 1, 4, 5)] == [0, 1, 1, 2]
    assert stream_tokens("openai_chat", 1280) == 10
    assert stream_tokens("anthropic_messages", 480) == 10
    assert estimate_usage(400, 800) == Usage(100, 200)
    assert estimate_usage(400, 1280, "openai_chat") == Usage(100, 10)
