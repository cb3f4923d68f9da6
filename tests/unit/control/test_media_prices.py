"""Prices of what is not text: from the price list, from our own table, and as an administrator writes them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from genai_prices.data import providers
from pydantic import ValidationError

from turnpike.control.domains.catalog.own_prices import OWN_LIST, PRICES, SERVICES
from turnpike.control.domains.catalog.price_schemas import MEDIA_UNITS, PriceOverride, view_rates
from turnpike.control.domains.catalog.prices import compile_listed, compile_override, price_list
from turnpike.control.domains.catalog.rates import read_rates
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates, Service, cost_nanousd
from turnpike.wire.types.usage import MediaUsage, Usage

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
EVERYTHING: dict[str, Any] = {
    "input": "5", "output": "40", "input_image": "10", "output_image": "32",
    "image": {"1024x1024/hd": "0.08", "*": "0.04"},
    "image_megapixel": "0.0027", "input_audio_hour": "0.36", "output_audio_hour": "1.5", "video_second": {"*": "0.1"},
    "character": "15", "search": "0.002", "page": "0.001", "file_search": "0.0025", "code_execution": "0.03",
}  # fmt: skip


def rates_of(provider: str, model: str) -> Rates:
    compiled = compile_listed(provider, "", model, NOW)
    assert compiled.rates is not None, (provider, model)
    return compiled.rates


@pytest.mark.parametrize(
    ("provider", "model", "media", "usd"),
    [
        ("openai", "whisper-1", MediaUsage(input_audio_ms=60_000), "0.006"),
        ("groq", "whisper-large-v3", MediaUsage(input_audio_ms=3_600_000), "0.111"),
        ("openai", "tts-1", MediaUsage(characters=1000), "0.015"),
        ("openai", "dall-e-3", MediaUsage(images=2, image_class="1792x1024/hd"), "0.24"),
        ("openai", "sora-2", MediaUsage(video_ms=8000, image_class="720x1280"), "0.8"),
        ("cohere", "rerank-v3.5", MediaUsage(searches=3), "0.006"),
        ("google", "imagen-4.0-generate-001", MediaUsage(images=1), "0.04"),
    ],
)
def test_media_models_are_priced_by_what_they_are_billed_by(
    provider: str, model: str, media: MediaUsage, usd: str
) -> None:
    assert Decimal(cost_nanousd(Usage(media=media), rates_of(provider, model))) / 10**9 == Decimal(usd)


def test_the_list_goes_before_our_own_table_and_each_names_itself() -> None:
    assert compile_listed("openai", "", "whisper-1", NOW).source == price_list()
    assert compile_listed("openai", "", "dall-e-3", NOW).source == OWN_LIST
    assert compile_listed(None, "https://api.openai.com/v1", "dall-e-3", NOW).source == OWN_LIST
    assert compile_listed(None, "http://127.0.0.1:8000/v1", "dall-e-3", NOW).rates is None


def test_moderation_at_openai_is_free_and_priced() -> None:
    assert rates_of("openai", "omni-moderation-latest") == Rates()


def test_our_own_table_names_known_providers_pages_and_months() -> None:
    known = {provider.id for provider in providers}
    for price in PRICES:
        assert set(price.providers) <= known
        assert price.source.startswith("https://")
        datetime.strptime(price.as_of, "%Y-%m").replace(tzinfo=UTC)
    for service in SERVICES:
        assert service.provider in known
        assert service.source.startswith("https://")
        datetime.strptime(service.as_of, "%Y-%m").replace(tzinfo=UTC)


def test_service_tiers_come_with_the_lists_prices() -> None:
    names = {service.name for service in rates_of("openai", "gpt-5").services}
    assert names == {"batch", "flex", "priority"}
    assert rates_of("anthropic", "claude-sonnet-4-5").services == (Service("batch", 500),)
    assert rates_of("deepseek", "deepseek-chat").services == ()


def test_an_override_says_every_shape_and_is_shown_as_it_was_written() -> None:
    assert set(MEDIA_UNITS) == set(MediaRates.__struct_fields__) <= set(EVERYTHING)
    rates = compile_override(PriceOverride.model_validate(EVERYTHING)).rates
    assert rates is not None
    shown = view_rates(rates).model_dump(mode="json", exclude_none=True)
    assert {name: shown[name] for name in EVERYTHING} == EVERYTHING
    usage = Usage(media=MediaUsage(characters=1000, searches=2, input_audio_ms=60_000))
    assert cost_nanousd(usage, rates) == 15_000_000 + 4_000_000 + 6_000_000


def test_an_override_has_service_tiers_by_percent_or_by_prices_of_their_own() -> None:
    override = PriceOverride.model_validate(
        {"input": "2", "services": [{"name": "batch", "percent": "50"}, {"name": "priority", "input": "3.5"}]}
    )
    rates = compile_override(override).rates
    assert rates is not None
    assert rates.services == (Service("batch", 500), Service("priority", rates=Rates(input=3_500_000)))
    shown = view_rates(rates).model_dump(mode="json", exclude_none=True)["services"]
    assert shown[0] == {"name": "batch", "percent": "50"}
    assert shown[1]["price"]["input"] == "3.5"


def test_stored_rates_are_read_back_as_they_were() -> None:
    rates = compile_override(
        PriceOverride.model_validate({**EVERYTHING, "services": [{"name": "flex", "percent": 50}]})
    )
    assert read_rates(rates.stored()) == rates.rates


@pytest.mark.parametrize(
    "override",
    [
        {"image": {"1024 x 1024": "1"}},
        {"image": {"": "1"}},
        {"image": {"*": "-1"}},
        {"search": "-0.1"},
        {"services": [{"name": "batch", "percent": 50}, {"name": "batch", "percent": 40}]},
        {"services": [{"name": "Batch"}]},
        {"per_minute": "1"},
    ],
)
def test_a_price_that_is_none_is_refused(override: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PriceOverride.model_validate(override)


def test_a_price_by_the_piece_survives_the_snapshot() -> None:
    rates = rates_of("openai", "dall-e-3")
    encoded = msgspec.msgpack.encode(rates)
    assert msgspec.msgpack.decode(encoded, type=Rates) == rates
