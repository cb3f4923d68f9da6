"""Queries on providers, models, credentials and settings. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from turnpike.control.db.models import Credential, Model, Provider, ProviderSetting
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.catalog.rows import (
    ModelPage,
    ModelRow,
    ProviderPage,
    ProviderRow,
    model_row,
    provider_row,
)
from turnpike.control.domains.listing import Columns, contains, ordered
from turnpike.kit.pagination import Order, Page

PROVIDER_ORDER: Columns = {
    "sort_order": Provider.sort_order,
    "name": Provider.name,
    "slug": Provider.slug,
    "created_at": Provider.created_at_ms,
    "updated_at": Provider.updated_at_ms,
}
MODEL_ORDER: Columns = {
    "sort_order": Model.sort_order,
    "name": Model.name,
    "model_id": Model.model_id,
    "provider": Provider.slug,
    "created_at": Model.created_at_ms,
    "updated_at": Model.updated_at_ms,
}


@dataclass(frozen=True)
class ProviderFilter:
    search: str | None = None
    vendor: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class ModelFilter:
    search: str | None = None
    name: str | None = None
    provider: str | None = None
    """Id or slug."""
    capability: str | None = None
    is_active: bool | None = None
    """Of model and provider both."""
    priced: bool | None = None


# ---- providers


def _is(reference: str) -> ColumnElement[bool]:
    return or_(Provider.id == reference, Provider.slug == reference)


async def provider(session: ReadSession, reference: str) -> Provider | None:
    """By id or slug."""
    return (await session.scalars(select(Provider).where(_is(reference)))).first()


async def provider_page(
    session: ReadSession, wanted: ProviderFilter, orders: Sequence[Order], page: Page
) -> ProviderPage:
    query = select(Provider)
    if wanted.search:
        names = (Provider.name, Provider.slug, Provider.display_name)
        query = query.where(or_(*(contains(column, wanted.search) for column in names)))
    if wanted.vendor is not None:
        query = query.where(Provider.vendor == wanted.vendor)
    if wanted.is_active is not None:
        query = query.where(Provider.is_active == wanted.is_active)
    total = await _count(session, query)
    query = ordered(query, orders, PROVIDER_ORDER, Provider.id).limit(page.per_page).offset(page.offset)
    return ProviderPage(await _with_credentials(session, (await session.scalars(query)).all()), total)


async def provider_shown(session: ReadSession, row: Provider) -> ProviderRow:
    return (await _with_credentials(session, [row]))[0]


async def _with_credentials(session: ReadSession, rows: Sequence[Provider]) -> list[ProviderRow]:
    query = (
        select(Credential.provider_id, Credential.hint)
        .where(
            Credential.provider_id.in_([row.id for row in rows]), Credential.owner_id.is_(None), Credential.is_active
        )
        .order_by(Credential.created_at_ms, Credential.id)
    )
    shared: dict[str, list[str]] = {}
    for provider_id, hint in (await session.execute(query)).all():
        shared.setdefault(provider_id, []).append(hint)
    return [provider_row(row, shared.get(row.id, [])) for row in rows]


async def _count(session: ReadSession, query: Select[*tuple[Any, ...]]) -> int:
    return (await session.execute(select(func.count()).select_from(query.order_by(None).subquery()))).scalar_one()


# ---- models


def _models() -> Select[Model, Provider]:
    return select(Model, Provider).join(Provider, Provider.id == Model.provider_id)


async def model_page(session: ReadSession, wanted: ModelFilter, orders: Sequence[Order], page: Page) -> ModelPage:
    query = _models()
    if wanted.search:
        names = (Model.name, Model.model_id, Model.display_name)
        query = query.where(or_(*(contains(column, wanted.search) for column in names)))
    if wanted.name is not None:
        query = query.where(Model.name == wanted.name)
    if wanted.provider is not None:
        query = query.where(_is(wanted.provider))
    if wanted.capability is not None:
        query = query.where(Model.capabilities.op("&")([wanted.capability]) != 0)
    if wanted.is_active is not None:
        both = Model.is_active & Provider.is_active
        query = query.where(both if wanted.is_active else ~both)
    if wanted.priced is not None:
        query = query.where(Model.rates.is_not(None) if wanted.priced else Model.rates.is_(None))
    total = await _count(session, query.with_only_columns(Model.id))
    query = ordered(query, orders, MODEL_ORDER, Model.id).limit(page.per_page).offset(page.offset)
    rows = (await session.execute(query)).all()
    return ModelPage([model_row(row, of) for row, of in rows], total)


async def model(session: ReadSession, model_id: str) -> tuple[Model, Provider] | None:
    row = (await session.execute(_models().where(Model.id == model_id))).one_or_none()
    return (row[0], row[1]) if row else None


async def model_at(session: ReadSession, provider_id: str, model_id: str) -> Model | None:
    query = select(Model).where(Model.provider_id == provider_id, Model.model_id == model_id)
    return (await session.scalars(query)).first()


async def models_of(session: ReadSession, provider_id: str) -> Sequence[Model]:
    return (await session.scalars(select(Model).where(Model.provider_id == provider_id))).all()


async def active_models_of(session: ReadSession, slugs: Sequence[str]) -> list[ModelRow]:
    """Of all these providers, in one query."""
    query = (
        _models()
        .where(Provider.slug.in_(slugs), Provider.is_active, Model.is_active)
        .order_by(Provider.slug, Model.sort_order, Model.name, Model.id)
    )
    return [model_row(row, of) for row, of in (await session.execute(query)).all()]


async def known_slugs(session: ReadSession, slugs: Sequence[str]) -> set[str]:
    return set((await session.scalars(select(Provider.slug).where(Provider.slug.in_(slugs)))).all())


def _to_reprice(now_ms: int | None) -> ColumnElement[bool]:
    by_list = Model.price_override.is_(None)
    return by_list if now_ms is None else by_list & (Model.price_until_ms <= now_ms)


async def any_to_reprice(session: ReadSession, now_ms: int | None) -> bool:
    return (await session.scalars(select(Model.id).where(_to_reprice(now_ms)).limit(1))).first() is not None


async def models_to_reprice(session: ReadSession, now_ms: int | None) -> Sequence[tuple[Model, Provider]]:
    """Priced by the list: all of them, or those whose price ends by `now_ms`."""
    return [(row[0], row[1]) for row in (await session.execute(_models().where(_to_reprice(now_ms)))).all()]


# ---- credentials and settings


async def shared_credentials(session: ReadSession, provider_id: str) -> Sequence[Credential]:
    query = (
        select(Credential)
        .where(Credential.provider_id == provider_id, Credential.owner_id.is_(None))
        .order_by(Credential.created_at_ms, Credential.id)
    )
    return (await session.scalars(query)).all()


async def setting(session: ReadSession, user_id: str, provider_id: str) -> ProviderSetting | None:
    query = select(ProviderSetting).where(
        ProviderSetting.user_id == user_id, ProviderSetting.provider_id == provider_id
    )
    return (await session.scalars(query)).first()


async def personal_credential(session: ReadSession, user_id: str, provider_id: str) -> Credential | None:
    query = select(Credential).where(Credential.owner_id == user_id, Credential.provider_id == provider_id)
    return (await session.scalars(query)).first()
