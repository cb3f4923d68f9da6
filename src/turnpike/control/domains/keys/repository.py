"""Queries on API keys. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from turnpike.control.db.models import ApiKey, Budget, KeyNotice, Provider
from turnpike.control.db.scoped import get_within, select_within, within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, contains, ordered
from turnpike.control.rights.policy import Scope, everything
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {"name": ApiKey.name, "created_at": ApiKey.created_at_ms, "expires_at": ApiKey.expires_at_ms}


@dataclass(frozen=True)
class KeyFilter:
    search: str | None = None
    user_id: str | None = None
    status: str | None = None
    scope: str | None = None


@dataclass(frozen=True)
class ShownKey:
    row: ApiKey
    provider: str | None
    """Slug of the default provider."""
    successor_waiting: bool
    budgets: tuple[Budget, ...] = ()
    """Of this key itself; what its person and department may spend comes on top."""


async def _with_budgets(session: ReadSession, shown: list[ShownKey]) -> list[ShownKey]:
    """One query for a whole page."""
    ids = [each.row.id for each in shown]
    query = select(Budget).where(Budget.kind == "key", Budget.subject.in_(ids), Budget.deleted_at_ms.is_(None))
    found: dict[str, list[Budget]] = {}
    for row in await session.scalars(query.order_by(Budget.id)) if ids else ():
        found.setdefault(row.subject, []).append(row)
    return [replace(each, budgets=tuple(found.get(each.row.id, ()))) for each in shown]


def _shown(scope: Scope) -> Select[ApiKey, str, bool]:
    successor = aliased(ApiKey)
    waiting = exists().where(successor.id == ApiKey.successor_id, successor.sealed_key.is_not(None))
    query = select(ApiKey, Provider.slug, waiting).where(within(scope, ApiKey))
    return query.outerjoin(Provider, Provider.id == ApiKey.default_provider_id)


def _status(status: str) -> ColumnElement[bool]:
    revoked = ApiKey.revoked_at_ms.is_not(None)
    expired = and_(ApiKey.expires_at_ms.is_not(None), ApiKey.expires_at_ms <= now_ms())
    alive = and_(~revoked, or_(ApiKey.expires_at_ms.is_(None), ApiKey.expires_at_ms > now_ms()))
    return {
        "revoked": revoked,
        "expired": and_(~revoked, expired),
        "rotated": and_(alive, ApiKey.rotated_at_ms.is_not(None)),
        "active": and_(alive, ApiKey.rotated_at_ms.is_(None)),
    }[status]


async def keys(
    session: ReadSession, scope: Scope, wanted: KeyFilter, orders: Sequence[Order], page: Page
) -> tuple[list[ShownKey], int]:
    query = _shown(scope)
    if wanted.search:
        query = query.where(or_(contains(ApiKey.name, wanted.search), contains(ApiKey.prefix, wanted.search)))
    if wanted.user_id is not None:
        query = query.where(ApiKey.user_id == wanted.user_id)
    if wanted.status is not None:
        query = query.where(_status(wanted.status))
    if wanted.scope is not None:
        query = query.where(ApiKey.scopes.op("&")([wanted.scope]) != 0)
    count = select(func.count()).select_from(query.with_only_columns(ApiKey.id).order_by(None).subquery())
    total = (await session.execute(count)).scalar_one()
    query = ordered(query, orders, ORDER, ApiKey.id).limit(page.per_page).offset(page.offset)
    return await _with_budgets(session, [ShownKey(*row) for row in (await session.execute(query)).all()]), total


async def key(session: ReadSession, scope: Scope, key_id: str) -> ShownKey | None:
    row = (await session.execute(_shown(scope).where(ApiKey.id == key_id))).one_or_none()
    return (await _with_budgets(session, [ShownKey(*row)]))[0] if row else None


async def any_alive(session: ReadSession) -> bool:
    query = select_within(everything("whether anybody can come in at all"), ApiKey)
    return (await session.scalars(query.where(or_(_status("active"), _status("rotated"))).limit(1))).first() is not None


async def locked(session: WriteSession, scope: Scope, key_id: str) -> ApiKey | None:
    """The row, and nobody else's until the transaction ends."""
    return await get_within(session, scope, ApiKey, key_id, lock=True)


async def due_for_rotation(
    session: WriteSession, made_before_ms: int, ends_after_ms: int, limit: int
) -> Sequence[ApiKey]:
    """Keys in use that were made before then, have no successor, and will not end by themselves before
    `ends_after_ms`. Rows that another process is at are passed over."""
    query = (
        select_within(everything("the rotation policy is for all keys"), ApiKey)
        .where(
            _status("active"),
            ApiKey.created_at_ms < made_before_ms,
            ApiKey.sealed_key.is_(None),
            or_(ApiKey.expires_at_ms.is_(None), ApiKey.expires_at_ms > ends_after_ms),
        )
        .order_by(ApiKey.created_at_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def ending(session: WriteSession, until_ms: int, limit: int) -> Sequence[ApiKey]:
    """Keys in use that end before then, whose end was not announced; rows that another process is at are passed
    over."""
    told = exists().where(KeyNotice.key_id == ApiKey.id, KeyNotice.expires_at_ms == ApiKey.expires_at_ms)
    query = (
        select(ApiKey)
        .where(_status("active"), ApiKey.expires_at_ms < until_ms, ~told)
        .order_by(ApiKey.expires_at_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()
