"""Prices as administrators write and read them: US dollars, for a million tokens unless the field says otherwise."""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, model_validator

from turnpike.control.web.fields import Body, View
from turnpike.kit.money import usd_per_units
from turnpike.wire.prices import Rates

MILLION = 1_000_000
Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=18, decimal_places=12)]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Shown = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]


class RateFields(Body):
    input: Price = Decimal(0)
    output: Price = Decimal(0)
    cache_read: Price | None = Field(default=None, description="Without it cached input costs what fresh input does.")
    cache_write: Price | None = None
    cache_write_1h: Price | None = None
    input_audio: Price | None = None
    output_audio: Price | None = None
    cache_read_audio: Price | None = None
    request: Price | None = Field(default=None, description="For one request.")
    web_search: Price | None = Field(default=None, description="For one search.")


class TierOverride(RateFields):
    above: int = Field(ge=1, le=100_000_000, description="Holds for all tokens of a request with more input than this.")


class PriceOverride(RateFields):
    tiers: list[TierOverride] = Field(default=[], max_length=8)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({tier.above for tier in self.tiers}) != len(self.tiers):
            raise ValueError("two tiers begin at the same number of tokens")
        return self


class RatesView(View):
    """US dollars for a million tokens; `request` and `web_search` for one."""

    input: Shown
    output: Shown
    cache_read: Shown | None = None
    cache_write: Shown | None = None
    cache_write_1h: Shown | None = None
    input_audio: Shown | None = None
    output_audio: Shown | None = None
    cache_read_audio: Shown | None = None
    request: Shown | None = None
    web_search: Shown | None = None


class TierView(RatesView):
    above: int


class PriceView(RatesView):
    currency: str = "USD"
    per_tokens: int = MILLION
    tiers: list[TierView] = Field(default=[])


_TOKEN_RATES = (
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "input_audio", "output_audio", "cache_read_audio",
)  # fmt: skip


def view_rates(rates: Rates) -> PriceView:
    tiers = [TierView(above=tier.above, **_shown(tier.rates)) for tier in rates.tiers]
    return PriceView(tiers=tiers, **_shown(rates))


def _shown(rates: Rates) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in _TOKEN_RATES:
        picousd: int | None = getattr(rates, name)
        shown[name] = None if picousd is None else usd_per_units(picousd, MILLION)
    for name in ("request", "web_search"):
        shown[name] = usd_per_units(getattr(rates, name), 1) or None
    return shown
