"""Registers a provider with its models, for `providers add` and for the first start alike."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turnpike.cli.client import Answered, Control
from turnpike.wire.vendors import VENDORS

PROVIDERS = "/api/v1/ai/providers"
MODELS = "/api/v1/ai/models"


@dataclass(frozen=True)
class NewModel:
    name: str
    capabilities: tuple[str, ...]
    free: bool = False
    """Costs nothing, and is recorded so instead of as unpriced."""

    def body(self, provider_id: str) -> dict[str, Any]:
        named = {"provider": provider_id, "name": self.name, "capabilities": list(self.capabilities)}
        return {**named, "price_override": {"input": 0, "output": 0}} if self.free else named


@dataclass(frozen=True)
class NewProvider:
    vendor: str
    name: str
    slug: str | None = None
    base_url: str | None = None
    api_key: str | None = field(default=None, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    allow_addresses: tuple[str, ...] = ()
    models: tuple[NewModel, ...] = ()
    """Named by hand: taken as they are, whatever the provider lists."""
    listed: tuple[str, ...] | None = ()
    """Which of those that the provider lists, `*` as wildcard; empty: all, None: none."""

    def body(self) -> dict[str, Any]:
        given = {
            "vendor": self.vendor,
            "name": self.name,
            "slug": self.slug,
            "api_base_url": self.base_url,
            "shared_api_key": self.api_key,
            "parameters": dict(self.parameters),
            "config": dict(self.config),
            "allow_addresses": list(self.allow_addresses),
        }
        return {name: value for name, value in given.items() if value}


@dataclass(frozen=True)
class Registered:
    provider: dict[str, Any]
    models: int
    problem: str | None = None
    """Why its models could not be read; the provider is registered all the same."""
    untested: str | None = None
    """What its provider said of the credential, where the list of models says nothing of it."""


async def register(control: Control, wish: NewProvider) -> Registered:
    """Raises Answered when the provider itself is refused, Unavailable when control cannot be reached."""
    provider: dict[str, Any] = (await control.post(PROVIDERS, wish.body())).data
    untested = await _refused_credential(control, provider["id"], wish)
    try:
        count = await add_models(control, provider["id"], wish.models)
        if wish.listed is not None:
            count = await sync_models(control, provider["id"], wish.listed)
        return Registered(provider, count, None, untested)
    except Answered as refused:
        return Registered(provider, 0, refused.message, untested)


async def _refused_credential(control: Control, provider_id: str, wish: NewProvider) -> str | None:
    """Reading a list tests a credential, but not where anybody may read it or where there is none."""
    vendor = VENDORS.get(wish.vendor)
    if vendor is None or vendor.credential_path is None or wish.api_key is None:
        return None
    result: dict[str, Any] = (await control.post(f"{PROVIDERS}/{provider_id}/test")).data
    return None if result["ok"] else str(result["error"])


async def add_models(control: Control, provider_id: str, models: tuple[NewModel, ...]) -> int:
    for model in models:
        await control.post(MODELS, model.body(provider_id))
    return len(models)


async def sync_models(control: Control, provider_id: str, only: tuple[str, ...] = ()) -> int:
    """How many models the provider has in the catalog afterwards."""
    done: dict[str, Any] = (await control.post(f"{PROVIDERS}/{provider_id}/sync-models", {"only": list(only)})).data
    return int(done["total"])
