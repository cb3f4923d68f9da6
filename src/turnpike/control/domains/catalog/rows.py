"""Rows of the catalog as they are cached and passed around: plain, immutable, without a secret."""

from typing import Any

import msgspec

from turnpike.control.db.models import Model, Provider


class ProviderRow(msgspec.Struct, frozen=True):
    id: str
    slug: str
    name: str
    display_name: str
    website: str | None
    vendor: str
    api_base_url: str
    allow_shared_for_users: bool
    allow_shared_for_normal_admins: bool
    is_active: bool
    sort_order: int
    allow_addresses: list[str]
    proxy: str | None
    region: str | None
    config: dict[str, Any]
    parameters: dict[str, str]
    created_at_ms: int
    updated_at_ms: int
    credentials: list[str]
    """The active shared ones, masked."""


class ModelRow(msgspec.Struct, frozen=True):
    id: str
    provider_id: str
    provider: str
    shared_for_users: bool
    shared_for_normal_admins: bool
    provider_is_active: bool
    name: str
    model_id: str
    display_name: str
    capabilities: list[str]
    is_active: bool
    sort_order: int
    weight: int
    context_window: int | None
    max_output_tokens: int | None
    region: str | None
    max_in_flight: int | None
    rates: dict[str, Any] | None
    price_source: str | None
    created_at_ms: int
    updated_at_ms: int


class ProviderPage(msgspec.Struct, frozen=True):
    rows: list[ProviderRow]
    total: int


class ModelPage(msgspec.Struct, frozen=True):
    rows: list[ModelRow]
    total: int


def provider_row(row: Provider, credentials: list[str]) -> ProviderRow:
    own = {name: getattr(row, name) for name in ProviderRow.__struct_fields__ if name != "credentials"}
    return ProviderRow(**own, credentials=credentials)


_OF_PROVIDER = {"provider", "shared_for_users", "shared_for_normal_admins", "provider_is_active"}


def model_row(row: Model, provider: Provider) -> ModelRow:
    own = {name: getattr(row, name) for name in ModelRow.__struct_fields__ if name not in _OF_PROVIDER}
    return ModelRow(
        **own,
        provider=provider.slug,
        shared_for_users=provider.allow_shared_for_users,
        shared_for_normal_admins=provider.allow_shared_for_normal_admins,
        provider_is_active=provider.is_active,
    )
