"""Prices as administrators write and read them: US dollars, for a million tokens unless the field says otherwise.

What is billed by other units than tokens is in `MEDIA_UNITS`; docs/ledger.md explains each with an example.
"""

from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import Field, PlainSerializer, StringConstraints, model_validator

from turnpike.control.web.fields import Body, View
from turnpike.kit.money import usd_per_units
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates, Service

MILLION = 1_000_000
Price = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=18, decimal_places=12)]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


Shown = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]


Class = Annotated[str, StringConstraints(pattern=r"^(\*|[0-9a-z]{1,20})?(/[0-9a-z_-]{1,20})?$", min_length=1)]
ByClass = Annotated[dict[Class, Price], Field(max_length=64)]

MEDIA_UNITS: dict[str, int] = {
    "input_image": MILLION,
    "output_image": MILLION,
    "image": 1,
    "image_megapixel": 1,
    "input_audio_hour": 1,
    "output_audio_hour": 1,
    "video_second": 1,
    "character": MILLION,
    "search": 1,
    "page": 1,
    "file_search": 1,
    "code_execution": 1,
}
"""The fields of `turnpike.wire.media_rates.MediaRates`, and how many units a price is for."""


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
    input_image: Price | None = Field(default=None, description="Tokens of images that are sent.")
    output_image: Price | None = Field(default=None, description="Tokens of images that are made.")
    image: ByClass = Field(
        default={},
        description="For one image, by size and quality: `1024x1024/hd`, `1024x1024`, `*/hd` or `*` (any). Holds where "
        "the answer counts no output tokens.",
    )
    image_megapixel: Price | None = Field(default=None, description="For a million pixels of an image.")
    input_audio_hour: Price | None = Field(default=None, description="For an hour of sound that is sent.")
    output_audio_hour: Price | None = Field(default=None, description="For an hour of sound that is made.")
    video_second: ByClass = Field(default={}, description="For a second of video, by size as for `image`.")
    character: Price | None = Field(default=None, description="For a million characters to be spoken.")
    search: Price | None = Field(default=None, description="For one search unit of a rerank.")
    page: Price | None = Field(default=None, description="For one page of a document.")
    file_search: Price | None = Field(default=None, description="For one search in files that the provider keeps.")
    code_execution: Price | None = Field(default=None, description="For one container to run code in.")


class ServiceOverride(RateFields):
    """A service tier: `percent` of the model's prices, or prices of its own."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")] = Field(
        description="`batch`, `flex`, `priority`: as answers name it."
    )
    percent: Annotated[Decimal, Field(ge=0, le=10_000, decimal_places=1)] | None = None


class TierOverride(RateFields):
    above: int = Field(ge=1, le=100_000_000, description="Holds for all tokens of a request with more input than this.")


class PriceOverride(RateFields):
    tiers: list[TierOverride] = Field(default=[], max_length=8)
    services: list[ServiceOverride] = Field(default=[], max_length=8)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len({tier.above for tier in self.tiers}) != len(self.tiers):
            raise ValueError("two tiers begin at the same number of tokens")
        if len({service.name for service in self.services}) != len(self.services):
            raise ValueError("two services have the same name")
        return self


class RatesView(View):
    """US dollars for a million tokens or characters; for one of everything else."""

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
    input_image: Shown | None = None
    output_image: Shown | None = None
    image: dict[str, Shown] | None = None
    image_megapixel: Shown | None = None
    input_audio_hour: Shown | None = None
    output_audio_hour: Shown | None = None
    video_second: dict[str, Shown] | None = None
    character: Shown | None = None
    search: Shown | None = None
    page: Shown | None = None
    file_search: Shown | None = None
    code_execution: Shown | None = None


class TierView(RatesView):
    above: int


class ServiceView(View):
    name: str
    percent: Shown | None = Field(default=None, description="Of the model's own prices.")
    price: RatesView | None = None


class PriceView(RatesView):
    currency: str = "USD"
    per_tokens: int = MILLION
    tiers: list[TierView] = Field(default=[])
    services: list[ServiceView] = Field(default=[])


_TOKEN_RATES = (
    "input", "output", "cache_read", "cache_write", "cache_write_1h", "input_audio", "output_audio", "cache_read_audio",
)  # fmt: skip


def view_rates(rates: Rates) -> PriceView:
    tiers = [TierView(above=tier.above, **_shown(tier.rates)) for tier in rates.tiers]
    return PriceView(tiers=tiers, services=[_service(service) for service in rates.services], **_shown(rates))


def _service(service: Service) -> ServiceView:
    if service.rates is not None:
        return ServiceView(name=service.name, price=RatesView(**_shown(service.rates)))
    return ServiceView(name=service.name, percent=Decimal(service.per_mille) / 10)


def _shown(rates: Rates) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name in _TOKEN_RATES:
        picousd: int | None = getattr(rates, name)
        shown[name] = None if picousd is None else usd_per_units(picousd, MILLION)
    for name in ("request", "web_search"):
        shown[name] = usd_per_units(getattr(rates, name), 1) or None
    if rates.media is not None:
        shown.update(_shown_media(rates.media))
    return shown


def _shown_media(rates: MediaRates) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, units in MEDIA_UNITS.items():
        picousd: int | dict[str, int] | None = getattr(rates, name)
        if isinstance(picousd, dict):
            shown[name] = {kind: usd_per_units(each, units) for kind, each in picousd.items()} or None
        else:
            shown[name] = None if not picousd else usd_per_units(picousd, units)
    return shown
