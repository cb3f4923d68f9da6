"""Changes of providers: who changes them is the route's concern, what may stand in them is checked here."""

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete

from turnpike.control.db.models import Provider
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains import catalogued
from turnpike.control.domains.catalog import repository
from turnpike.control.domains.catalog.addresses import check_base_url, check_proxy
from turnpike.control.domains.catalog.config import ProviderConfig
from turnpike.control.domains.catalog.credentials import Credentials
from turnpike.control.domains.catalog.facts import (
    based,
    check_vendor,
    default_base_url,
    display_name_of,
    facts_of,
    known_vendor,
    read_config,
)
from turnpike.control.domains.catalog.prices import Pricing
from turnpike.control.domains.catalog.rows import ProviderRow
from turnpike.control.domains.catalog.schemas import ProviderBody, ProviderPatch
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.settings import Settings
from turnpike.wire.parameters import check_values, secret_names
from turnpike.wire.vendor import Vendor

_PRICED_BY = frozenset({"vendor", "api_base_url", "config", "parameters"})


class Providers:
    def __init__(self, settings: Settings, credentials: Credentials, pricing: Pricing) -> None:
        self._settings = settings
        self._credentials = credentials
        self._pricing = pricing

    async def get(self, session: ReadSession, reference: str) -> Provider:
        """By id or slug. Raises NotFound."""
        row = await repository.provider(session, reference)
        if row is None:
            raise NotFound(f"There is no provider {reference}.")
        return row

    async def create(self, session: WriteSession, body: ProviderBody) -> ProviderRow:
        """Raises InvalidRequest, AddressForbidden or Conflict."""
        values = self._whole(body)
        await self._check_slug(session, values["slug"], None)
        parts = _take_parts(values, known_vendor(body.vendor))
        row = await catalogued.add(session, Provider(**self._checked(values)))
        await self._set_credential(session, row, body, parts)
        return await repository.provider_shown(session, row)

    async def replace(self, session: WriteSession, reference: str, body: ProviderBody) -> ProviderRow:
        """Raises NotFound, InvalidRequest, AddressForbidden or Conflict."""
        row = await self.get(session, reference)
        values = self._whole(body)
        if "slug" not in body.model_fields_set:
            values["slug"] = row.slug
        return await self._apply(session, row, values, body)

    async def change(self, session: WriteSession, reference: str, body: ProviderPatch) -> ProviderRow:
        """Raises NotFound, InvalidRequest, AddressForbidden or Conflict."""
        row = await self.get(session, reference)
        values = {name: value for name, value in body.given().items() if name != "shared_api_key"}
        if body.config is not None:
            values["config"] = _stored(body.config)
        return await self._apply(session, row, values, body)

    async def _apply(
        self, session: WriteSession, row: Provider, values: dict[str, Any], body: ProviderBody | ProviderPatch
    ) -> ProviderRow:
        if "slug" in values:
            await self._check_slug(session, values["slug"], row.id)
        parts = _take_parts(values, known_vendor(values.get("vendor", row.vendor)))
        checked = self._checked(values, row)
        changed = {name for name, value in checked.items() if getattr(row, name) != value}
        for name in changed:
            setattr(row, name, checked[name])
        await session.flush()
        await self._set_credential(session, row, body, parts)
        if changed & _PRICED_BY:
            for model in await repository.models_of(session, row.id):
                self._pricing.price(model, row)
            await session.flush()
        if "slug" in changed:
            session.changes.all_keys()  # a key's default provider is told to relays by its slug
        session.changes.catalog()
        return await repository.provider_shown(session, row)

    async def _set_credential(
        self, session: WriteSession, row: Provider, body: ProviderBody | ProviderPatch, parts: Mapping[str, str | None]
    ) -> None:
        if "shared_api_key" in body.model_fields_set:
            await self._credentials.set_default(session, row, body.shared_api_key)
        if parts:
            await self._credentials.set_parts(session, row, parts)

    async def remove(self, session: WriteSession, reference: str) -> Provider:
        """With its models, credentials and people's settings; the ledger keeps its rows. Raises NotFound."""
        row = await self.get(session, reference)
        await session.execute(delete(Provider).where(Provider.id == row.id))
        session.changes.catalog()
        return row

    # ---- checks

    def _whole(self, body: ProviderBody) -> dict[str, Any]:
        values = body.model_dump(exclude={"shared_api_key", "config"})
        values["config"] = _stored(body.config)
        check_vendor(body.vendor)
        name = values["name"] = body.name or display_name_of(body.vendor)
        values["slug"] = body.slug or slug_of(name)
        values["display_name"] = body.display_name or name
        values["api_base_url"] = body.api_base_url
        return values

    def _checked(self, values: dict[str, Any], row: Provider | None = None) -> dict[str, Any]:
        if "vendor" in values:
            check_vendor(values["vendor"])
        if values.get("proxy") is not None:
            values["proxy"] = check_proxy(values["proxy"])
        vendor: str = values.get("vendor") or (row.vendor if row else "")
        config = read_config(values.get("config", row.config if row else {}))
        parameters = row.parameters if row else {}
        if row is None or values.keys() & {"vendor", "parameters"}:
            parameters = values["parameters"] = _parameters(vendor, values.get("parameters"), parameters)
        url = _address(values, row, default_base_url(vendor, parameters))
        if url is not None:
            allowed = values.get("allow_addresses", row.allow_addresses if row else [])
            # Checked as it was typed, brought into form, and checked as it will be used.
            based_url = based(vendor, config, check_base_url(url, allowed, self._settings), parameters)
            values["api_base_url"] = check_base_url(based_url, allowed, self._settings)
        if known_vendor(vendor).operations and not facts_of(vendor, config, parameters).operations:
            raise InvalidRequest("config: this leaves the provider without any operation.", details={"param": "config"})
        return values

    async def _check_slug(self, session: ReadSession, slug: str, own_id: str | None) -> None:
        other = await repository.provider(session, slug)
        if other is not None and other.id != own_id:
            raise Conflict(f"There is a provider {slug!r} already.", details={"param": "slug"})


def slug_of(name: str) -> str:
    """Raises InvalidRequest for a name without a letter or digit to make one of."""
    slug = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:64].strip("-._")
    if not slug:
        raise InvalidRequest("slug: none can be made from this name; give one.", details={"param": "slug"})
    return slug


def _address(values: dict[str, Any], row: Provider | None, default: str | None) -> str | None:
    """The address to be checked; None when nothing that it depends on changes. As long as nobody wrote another, it is
    the vendor's and follows its parameters. Raises InvalidRequest where there is none."""
    if row is not None and "api_base_url" not in values:
        own = default_base_url(row.vendor, row.parameters)
        follows = own is not None and row.api_base_url.lower() == own.lower()
        if default is not None and follows and values.keys() & {"vendor", "parameters"}:
            return default
        return row.api_base_url if "allow_addresses" in values else None
    url: str | None = values["api_base_url"] or default
    if url is None:
        raise InvalidRequest(
            f"api_base_url: the vendor {values['vendor']!r} has no address of its own; name yours.",
            details={"param": "api_base_url"},
        )
    return url


def _take_parts(values: dict[str, Any], vendor: Vendor) -> dict[str, str | None]:
    """Takes the secret ones out of `parameters`: they go into the credential and into no row of their own."""
    given: dict[str, str | None] = values.get("parameters") or {}
    parts = {name: given[name] for name in secret_names(vendor) if name in given}
    if parts:
        values["parameters"] = {name: value for name, value in given.items() if name not in parts}
    return parts


def _parameters(vendor: str, given: dict[str, str | None] | None, before: dict[str, str]) -> dict[str, str]:
    """All that the vendor has, with those `given` over those of `before` that it knows. Raises InvalidRequest."""
    known = known_vendor(vendor)
    names = {parameter.name for parameter in known.parameters}
    kept = {name: value for name, value in before.items() if name in names}
    return check_values(known, {name: value or "" for name, value in {**kept, **(given or {})}.items()})


def _stored(config: ProviderConfig) -> dict[str, Any]:
    return config.model_dump(mode="json", exclude_defaults=True)
