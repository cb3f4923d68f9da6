"""Prices compiled from genai-prices cost what genai-prices says: tiers, caches, searches, hours of the day."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from genai_prices import Usage as ListUsage
from genai_prices import calc_price
from genai_prices.data import providers

from turnpike.control.domains.catalog.price_schemas import PriceOverride, view_rates
from turnpike.control.domains.catalog.prices import OVERRIDE, compile_listed, compile_override, price_list
from turnpike.wire.prices import Rates, Tier, cost_nanousd
from turnpike.wire.types.usage import Usage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COUNTED = {
    "input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_1h_mtok", "requests_kcount",
    "web_searches_kcount",
}  # fmt: skip
USAGES = (
    Usage(input_tokens=1000, output_tokens=500),
    Usage(input_tokens=90_000, output_tokens=500, cache_read_tokens=50_000),
    Usage(input_tokens=300_000, output_tokens=10, cache_read_tokens=1_000, cache_write_tokens=2_000),
    Usage(input_tokens=1_200_000, output_tokens=7, cache_write_tokens=5, cache_write_1h_tokens=11),
    Usage(input_tokens=200_000, output_tokens=1, web_searches=3),
    Usage(input_tokens=200_001, output_tokens=1),
)


def listed(usage: Usage) -> ListUsage:
    """In the list's terms, a write for an hour is also a write."""
    return ListUsage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens + usage.cache_write_1h_tokens,
        cache_write_1h_tokens=usage.cache_write_1h_tokens,
        web_searches=usage.web_searches,
    )


def _models() -> list[tuple[str, str]]:
    """Every model of these vendors whose price is made of what is counted here, by its own id."""
    found: list[tuple[str, str]] = []
    for provider in providers:
        if provider.id not in {"openai", "anthropic", "google", "mistral", "groq", "deepseek", "x-ai", "together"}:
            continue
        for model in provider.models:
            price = {name for name, price in vars(model.get_prices(NOW)).items() if price is not None}
            mine = provider.find_model(model.id) is model
            if mine and price <= COUNTED and price & {"input_mtok", "requests_kcount"}:
                found.append((provider.id, model.id))
    return found


def test_there_is_something_to_compare() -> None:
    models = _models()
    assert len(models) > 150
    assert {provider for provider, _ in models} >= {"openai", "anthropic", "google", "mistral"}


@pytest.mark.parametrize("usage", USAGES)
def test_a_compiled_price_costs_what_the_list_says(usage: Usage) -> None:
    for provider, model in _models():
        compiled = compile_listed(provider, "", model, NOW)
        assert compiled.rates is not None, (provider, model)
        expected = calc_price(listed(usage), model, provider_id=provider, genai_request_timestamp=NOW).total_price
        mine = Decimal(cost_nanousd(usage, compiled.rates)) / 10**9
        assert abs(mine - expected) <= Decimal("1e-9"), (provider, model, mine, expected)


def test_tiers_hold_beyond_their_start_for_all_tokens() -> None:
    rates = compile_listed("anthropic", "", "claude-haiku-5-5", NOW).rates
    assert rates is not None
    assert [tier.above for tier in rates.tiers] == [100_000]
    assert cost_nanousd(Usage(input_tokens=100_000), rates) == 100_000 * 100
    assert cost_nanousd(Usage(input_tokens=100_001), rates) == 100_001 * 500


def test_the_source_names_the_lists_version() -> None:
    source = compile_listed("openai", "", "gpt-4o", NOW).source
    assert source == price_list()
    assert source is not None
    assert source.startswith("genai-prices 0.")


def test_a_provider_is_found_by_its_address() -> None:
    assert compile_listed(None, "https://api.groq.com/openai/v1", "llama-3.3-70b-versatile", NOW).rates is not None


@pytest.mark.parametrize(
    ("provider", "address", "model"),
    [
        (None, "http://127.0.0.1:8000/v1", "gpt-4o"),
        (None, "https://models.example.com/v1", "claude-sonnet-4-5"),
        ("openai", "", "no-such-model-anywhere"),
        ("no-such-provider", "", "gpt-4o"),
    ],
)
def test_a_model_without_a_price_is_unpriced(provider: str | None, address: str, model: str) -> None:
    compiled = compile_listed(provider, address, model, NOW)
    assert (compiled.rates, compiled.source) == (None, None)


def test_a_free_model_costs_nothing_and_is_priced() -> None:
    free = next(
        model.id for provider in providers if provider.id == "mistral" for model in provider.models
        if model.id.endswith(":free")
    )  # fmt: skip
    assert compile_listed("mistral", "", free, NOW).rates == Rates()


def _changing() -> list[tuple[str, Any]]:
    return [
        (provider.id, model)
        for provider in providers
        for model in provider.models
        if isinstance(model.prices, list) and provider.find_model(model.id) is model
    ]


def test_a_price_that_will_change_says_when() -> None:
    seen = 0
    for provider, model in _changing():
        dates = [getattr(price.constraint, "start_date", None) for price in model.prices]
        if not any(dates) or not model.get_prices(NOW).__dict__.get("input_mtok"):
            continue
        first = min(date for date in dates if date is not None)
        before = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
        compiled = compile_listed(provider, "", model.id, before)
        assert compiled.until_ms is not None
        assert compiled.until_ms <= (before + timedelta(days=1)).timestamp() * 1000
        seen += 1
    assert seen > 20


def test_hours_of_the_day_have_an_end_within_the_day() -> None:
    daily = [
        (provider, model)
        for provider, model in _changing()
        if any(hasattr(price.constraint, "start_time") for price in model.prices)
    ]
    assert daily
    for provider, model in daily:
        now = NOW
        for _ in range(6):
            compiled = compile_listed(provider, "", model.id, now)
            assert compiled.until_ms is not None
            until = datetime.fromtimestamp(compiled.until_ms / 1000, UTC)
            assert now < until <= now + timedelta(days=1)
            assert model.get_prices(now) == model.get_prices(until - timedelta(milliseconds=1))
            now = until


# ---- overrides


def test_an_override_is_compiled_with_its_tiers() -> None:
    override = PriceOverride.model_validate(
        {"input": "1.25", "output": 10, "cache_read": "0.125", "request": "0.0001", "web_search": 0.01,
         "tiers": [{"above": 400, "input": 4}, {"above": 200, "input": "2.5", "output": "15"}]}
    )  # fmt: skip
    compiled = compile_override(override)
    assert compiled.source == OVERRIDE
    assert compiled.rates == Rates(
        input=1_250_000,
        output=10_000_000,
        cache_read=125_000,
        request=100_000_000,
        web_search=10_000_000_000,
        tiers=(Tier(200, Rates(input=2_500_000, output=15_000_000)), Tier(400, Rates(input=4_000_000))),
    )


def test_prices_are_shown_as_they_were_written() -> None:
    override = {"input": "1.25", "output": "10", "cache_read": "0.125", "request": "0.0001", "web_search": "0.01"}
    rates = compile_override(PriceOverride.model_validate(override)).rates
    assert rates is not None
    shown = view_rates(rates).model_dump(mode="json", exclude_none=True)
    assert {name: shown[name] for name in override} == override
