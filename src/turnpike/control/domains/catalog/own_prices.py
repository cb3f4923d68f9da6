"""Prices that the price list lacks: models billed by the image, the second or the search, and service tiers.

A small table of ours. Each entry has the page that it was taken from and the month for which it held; whoever knows
better sets a `price_override`. Providers are named by their ids in genai-prices. In US dollars, as the vendors write.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

import msgspec

from turnpike.kit.money import picousd_per_unit
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates, Service

OWN_LIST = "turnpike 2026-11"
"""The name and edition of this table, in `price_source`."""
MILLION = 1_000_000


def _classes(prices: dict[str, str]) -> dict[str, int]:
    return {name: picousd_per_unit(Decimal(price)) for name, price in prices.items()}


@dataclass(frozen=True)
class OwnPrice:
    providers: tuple[str, ...]
    models: re.Pattern[str]
    rates: Rates
    source: str
    as_of: str
    """Year and month."""


def _images(prices: dict[str, str]) -> Rates:
    return Rates(media=MediaRates(image=_classes(prices)))


def _videos(prices: dict[str, str]) -> Rates:
    return Rates(media=MediaRates(video_second=_classes(prices)))


def _search(usd_a_thousand: str) -> Rates:
    return Rates(media=MediaRates(search=picousd_per_unit(Decimal(usd_a_thousand), 1000)))


def _own(providers: str, models: str, rates: Rates, source: str, as_of: str) -> OwnPrice:
    return OwnPrice(tuple(providers.split()), re.compile(models), rates, source, as_of)


_OPENAI = "https://platform.openai.com/docs/pricing"
_GEMINI = "https://ai.google.dev/gemini-api/docs/pricing"
_COHERE = "https://cohere.com/pricing"

PRICES: tuple[OwnPrice, ...] = (
    _own("openai azure", r"^dall-?e-3", _images({
        "1024x1024/standard": "0.04", "1024x1792/standard": "0.08", "1792x1024/standard": "0.08",
        "1024x1024/hd": "0.08", "1024x1792/hd": "0.12", "1792x1024/hd": "0.12",
        "1024x1024": "0.04", "1024x1792": "0.08", "1792x1024": "0.08", "*/hd": "0.08", "*": "0.04",
    }), _OPENAI, "2025-10"),
    _own("openai azure", r"^dall-?e-2", _images({
        "256x256": "0.016", "512x512": "0.018", "1024x1024": "0.02", "*": "0.02",
    }), _OPENAI, "2025-10"),
    _own("openai azure", r"^sora-2-pro", _videos({
        "720x1280": "0.30", "1280x720": "0.30", "1024x1792": "0.50", "1792x1024": "0.50",
    }), "https://developers.openai.com/api/docs/models/sora-2-pro", "2026-08"),
    _own("openai azure", r"^sora-2", _videos({"*": "0.10"}), "https://developers.openai.com/api/docs/models/sora-2",
         "2026-08"),
    _own("openai", r"moderation", Rates(), "https://developers.openai.com/api/docs/guides/moderation", "2026-08"),
    _own("google", r"^imagen-4\.0-fast", _images({"*": "0.02"}), _GEMINI, "2025-10"),
    _own("google", r"^imagen-4\.0-ultra", _images({"*": "0.06"}), _GEMINI, "2025-10"),
    _own("google", r"^imagen-4\.0", _images({"*": "0.04"}), _GEMINI, "2025-10"),
    _own("google", r"^imagen-3\.0", _images({"*": "0.03"}), _GEMINI, "2025-10"),
    _own("x-ai", r"^grok-2-image", _images({"*": "0.07"}), "https://docs.x.ai/docs/models", "2025-10"),
    _own("cohere", r"^rerank-v4\.0-pro", _search("2.50"), _COHERE, "2026-06"),
    _own("cohere", r"^rerank-(?:v3\.5|v4\.0-fast|english-v3|multilingual-v3)", _search("2.00"), _COHERE, "2026-06"),
)  # fmt: skip
"""The first that fits holds."""


def own_price(provider: str | None, model_id: str) -> Rates | None:
    """None when this table has none."""
    for price in PRICES:
        if provider in price.providers and price.models.search(model_id):
            return price.rates
    return None


# ---- service tiers

HALF = 500


@dataclass(frozen=True)
class OwnService:
    provider: str
    models: re.Pattern[str]
    service: Service
    source: str
    as_of: str


def _tokens(provider: str, name: str, models: str, source: str, as_of: str) -> OwnService:
    return OwnService(provider, re.compile(models), Service(name, HALF), source, as_of)


_PRIORITY = "https://openai.com/api-priority-processing/"
_CLAUDE_BATCH = "https://platform.claude.com/docs/en/build-with-claude/batch-processing"
_FLEX = "https://developers.openai.com/api/docs/guides/flex-processing"


def _priority(models: str, read: str, cached: str, written: str) -> OwnService:
    rates = Rates(
        input=picousd_per_unit(Decimal(read), MILLION),
        cache_read=picousd_per_unit(Decimal(cached), MILLION),
        output=picousd_per_unit(Decimal(written), MILLION),
    )
    return OwnService("openai", re.compile(models + r"(?:-\d{4}-\d{2}-\d{2})?$"), Service("priority", rates=rates),
                      _PRIORITY, "2026-08")  # fmt: skip


SERVICES: tuple[OwnService, ...] = (
    _tokens("openai", "batch", "", "https://developers.openai.com/api/docs/guides/batch", "2026-08"),
    _tokens("openai", "flex", r"^(?:gpt-5|o3$|o3-2|o4-mini)", _FLEX, "2026-08"),
    _priority(r"^gpt-5\.5", "12.50", "1.25", "75"),
    _priority(r"^gpt-5\.4", "5", "0.50", "30"),
    _priority(r"^gpt-5\.4-mini", "1.50", "0.15", "9"),
    _priority(r"^gpt-5\.2", "3.50", "0.35", "28"),
    _priority(r"^gpt-5(?:\.1)?(?:-codex)?", "2.50", "0.25", "20"),
    _priority(r"^gpt-5-mini", "0.45", "0.045", "3.60"),
    _priority(r"^gpt-4\.1", "3.50", "0.875", "14"),
    _priority(r"^gpt-4\.1-mini", "0.70", "0.175", "2.80"),
    _priority(r"^gpt-4\.1-nano", "0.20", "0.05", "0.80"),
    _priority(r"^gpt-4o", "4.25", "2.125", "17"),
    _priority(r"^gpt-4o-mini", "0.25", "0.125", "1"),
    _priority(r"^o3", "3.50", "0.875", "14"),
    _priority(r"^o4-mini", "2", "0.50", "8"),
    _tokens("anthropic", "batch", "", _CLAUDE_BATCH, "2026-08"),
    _tokens("google", "batch", "", "https://ai.google.dev/gemini-api/docs/batch-api", "2025-10"),
    _tokens("mistral", "batch", "", "https://docs.mistral.ai/capabilities/batch", "2025-10"),
    _tokens("groq", "batch", "", "https://console.groq.com/docs/batch", "2025-10"),
)


def with_services(rates: Rates, provider: str, model_id: str) -> Rates:
    """The same rates with those of the provider's service tiers that have a published price. A free model has none."""
    if rates == Rates():
        return rates
    found = {
        own.service.name: own.service for own in SERVICES if own.provider == provider and own.models.search(model_id)
    }
    return msgspec.structs.replace(rates, services=tuple(found.values())) if found else rates
