"""Prices, compiled: from the list of genai-prices or an administrator's override to turnpike.wire.prices.Rates.

genai-prices is a data package: 30,000 lines of price tables that take 0.3 s and 40 MB to load, and are needed when a
model is made, synced or repriced. So it is loaded then, and not at the start of every control process.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import msgspec

from turnpike.control.db.models import Model, Provider
from turnpike.control.domains.catalog.facts import facts_of, read_config
from turnpike.control.domains.catalog.price_schemas import PriceOverride, RateFields
from turnpike.control.domains.catalog.rates import read_rates
from turnpike.kit.clock import utc_now
from turnpike.kit.money import picousd_per_unit
from turnpike.wire.dialects.models import ModelRow
from turnpike.wire.prices import Rates, Tier
from turnpike.wire.profiles.capabilities import guess_capabilities

if TYPE_CHECKING:
    from genai_prices.types import ConditionalPrice, ModelInfo, ModelPrice

MILLION = 1_000_000
OVERRIDE = "override"
FROM_PROVIDER = "provider's list"
"""The provider's own list of models told the price, and the price list knows none."""
_PER_MILLION = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
    "input_audio": "input_audio_mtok",
    "output_audio": "output_audio_mtok",
    "cache_read_audio": "cache_audio_read_mtok",
}
_PER_THOUSAND = {"request": "requests_kcount", "web_search": "web_searches_kcount"}
_NEEDED = ("input_mtok", "output_mtok", "requests_kcount")


@dataclass(frozen=True)
class Compiled:
    """`rates` is None for a model that has no price."""

    rates: Rates | None
    source: str | None
    until_ms: int | None = None
    """When the list has another price in force."""

    def stored(self) -> dict[str, Any] | None:
        return None if self.rates is None else msgspec.to_builtins(self.rates)


UNPRICED = Compiled(None, None)


def price_list() -> str:
    """The list that prices are taken from, with its version: `genai-prices 0.2.3`."""
    return f"genai-prices {version('genai-prices')}"


# ---- an administrator's override


def compile_override(override: PriceOverride) -> Compiled:
    tiers = tuple(Tier(tier.above, _override_rates(tier)) for tier in sorted(override.tiers, key=lambda t: t.above))
    return Compiled(msgspec.structs.replace(_override_rates(override), tiers=tiers), OVERRIDE)


def _override_rates(fields: RateFields) -> Rates:
    values: dict[str, Any] = {}
    for name in _PER_MILLION:
        price: Decimal | None = getattr(fields, name)
        if price is not None:
            values[name] = picousd_per_unit(price, MILLION)
    for name in _PER_THOUSAND:
        price = getattr(fields, name)
        if price is not None:
            values[name] = picousd_per_unit(price)
    return Rates(**values)


# ---- the list


def compile_listed(price_provider: str | None, base_url: str, model_id: str, now: datetime) -> Compiled:
    """The price in force at `now`. The provider is found by its id in the list, else by its address; a model is never
    priced by its name alone, because anybody's server may call a model `gpt-4o`."""
    snapshot = import_module("genai_prices.data_snapshot").get_snapshot()
    try:
        by_address = None if price_provider else base_url
        _, model = snapshot.find_provider_model(model_id, None, price_provider, by_address)
    except LookupError:
        return UNPRICED
    rates = _rates_of(model, model.get_prices(now), model_id)
    return Compiled(rates, price_list() if rates is not None else None, _until_ms(model, now))


def known_models(price_provider: str | None) -> tuple[ModelRow, ...]:
    """The models of a provider that the list prices, as if the provider had listed them; none that is retired."""
    snapshot = import_module("genai_prices.data_snapshot").get_snapshot()
    provider = next((each for each in snapshot.providers if each.id == price_provider), None)
    return tuple(
        ModelRow(
            id=model.id,
            display_name=model.name,
            capabilities=guess_capabilities(model.id),
            context_window=model.context_window,
        )
        for model in (provider.models if provider else ())
        if not model.deprecated
    )


def _rates_of(model: "ModelInfo", price: "ModelPrice", model_id: str) -> Rates | None:
    listed = {name: value for name, value in vars(price).items() if value is not None}
    if not any(name in listed for name in _NEEDED):
        # No price for tokens: priced by something that is not counted here, or not priced at all. An empty entry
        # means "free" only where the model's own name says so.
        free = not listed and (model_id.endswith(":free") or model.id.endswith(":free"))
        return Rates() if free else None
    starts = sorted({tier.start for value in listed.values() for tier in getattr(value, "tiers", ())})
    tiers = tuple(Tier(start, _rates_at(listed, start + 1)) for start in starts)
    return msgspec.structs.replace(_rates_at(listed, 0), tiers=tiers)


def _rates_at(listed: dict[str, Any], input_tokens: int) -> Rates:
    """The rates for a request of so many input tokens: beyond a tier's start it holds for all of them."""
    values: dict[str, Any] = {}
    for table, units in ((_PER_MILLION, MILLION), (_PER_THOUSAND, 1000)):
        for name, key in table.items():
            if key in listed:
                values[name] = picousd_per_unit(_price_at(listed[key], input_tokens), units)
    return Rates(**values)


def _price_at(price: Any, input_tokens: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    holds = [tier.price for tier in price.tiers if input_tokens > tier.start]
    return holds[-1] if holds else price.base


def _until_ms(model: "ModelInfo", now: datetime) -> int | None:
    if not isinstance(model.prices, list):
        return None
    coming = [moment for price in model.prices for moment in _turns(price, now)]
    return int(min(coming).timestamp() * 1000) if coming else None


def _turns(price: "ConditionalPrice", now: datetime) -> Iterator[datetime]:
    """Moments after `now` at which this price comes or ceases to hold."""
    constraint: Any = price.constraint
    if constraint is None:
        return
    start_date = getattr(constraint, "start_date", None)
    if start_date is not None:
        begins = datetime.combine(start_date, time(), UTC)
        if begins > now:
            yield begins
        return
    for clock in (constraint.start_time, constraint.end_time):
        turn = datetime.combine(now.date(), clock if clock.tzinfo else clock.replace(tzinfo=UTC)).astimezone(UTC)
        while turn <= now:
            turn += timedelta(days=1)
        yield turn


class Pricing:
    """Puts prices into rows. One place, so that a model's rates, their source and their end never part."""

    def price(self, row: Model, provider: Provider, told: Rates | None = None) -> bool:
        """True when the rates are others than before. `told`: by the provider's own list of models."""
        if row.price_override is not None:
            compiled = compile_override(PriceOverride.model_validate(row.price_override))
        else:
            facts = facts_of(provider.vendor, read_config(provider.config), provider.parameters)
            compiled = compile_listed(facts.price_provider, provider.api_base_url, row.model_id, utc_now())
            if compiled.rates is None and told is not None:
                compiled = Compiled(told, FROM_PROVIDER)
            elif compiled.rates is None and row.price_source == FROM_PROVIDER:
                compiled = Compiled(read_rates(row.rates), FROM_PROVIDER)
        stored = compiled.stored()
        changed = row.rates != stored or row.price_source != compiled.source
        if changed:
            row.rates = stored
        row.price_source = compiled.source
        row.price_until_ms = compiled.until_ms
        return changed
