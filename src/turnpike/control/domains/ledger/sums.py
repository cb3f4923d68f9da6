"""Sums over the ledger: for a list's totals and for summaries. From `ledger_totals` wherever that can tell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, Select, case, cast, func, or_, select

from turnpike.contract.events import Outcome, UsageSource
from turnpike.control.db.models.ledger import MEDIA_COUNTS, LedgerRow, LedgerTotal
from turnpike.control.db.scoped import within
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.ledger.repository import TOTALS_TOO, Row, RowFilter, conditions
from turnpike.control.rights.policy import Scope
from turnpike.kit.clock import utc_day
from turnpike.kit.pagination import Order, Page

DAY_MS = 86_400_000
SUMMED: tuple[str, ...] = tuple(
    column.name for column in LedgerTotal.__table__.columns if not column.primary_key and column.name != "key_name"
)
DIMENSIONS: dict[str, str] = {
    "day": "day",
    "model": "model",
    "key": "key_id",
    "user": "user_id",
    "department": "department_id",
    "provider": "provider",
    "deployment": "deployment_id",
    "operation": "operation",
}
"""What sums are grouped by, and the column of it."""

_ESTIMATED = or_(
    LedgerRow.usage_source.not_in((UsageSource.REPORTED, UsageSource.NONE)), LedgerRow.abandoned.is_not(None)
)


async def sums(session: ReadSession, scope: Scope, wanted: RowFilter) -> dict[str, int]:
    """Sums over all matching rows: of whole days from the totals where they know the filters, of the rest by adding."""
    if not wanted.known_to_totals:
        return await _add_up(session, scope, wanted)
    first = None if wanted.since_ms is None else -(-wanted.since_ms // DAY_MS) * DAY_MS
    end = None if wanted.until_ms is None else wanted.until_ms // DAY_MS * DAY_MS
    if first is not None and end is not None and first > end:
        return await _add_up(session, scope, wanted)
    parts = [await _add_totals(session, scope, wanted, first, end)]
    if first is not None and first != wanted.since_ms:
        parts.append(await _add_up(session, scope, replace(wanted, until_ms=first)))
    if end is not None and end != wanted.until_ms:
        parts.append(await _add_up(session, scope, replace(wanted, since_ms=end)))
    return {name: sum(part[name] for part in parts) for name in SUMMED}


async def _add_up(session: ReadSession, scope: Scope, wanted: RowFilter) -> dict[str, int]:
    counted: dict[str, ColumnElement[Any]] = {
        "requests": func.count(),
        "succeeded": _count_if(LedgerRow.outcome == Outcome.OK),
        "unpriced": _count_if(LedgerRow.priced.is_(False)),
        "estimated": _count_if(_ESTIMATED),
    }
    counted.update((name, func.sum(_media(name))) for name in MEDIA_COUNTS)
    columns = [
        counted[name].label(name) if name in counted else func.sum(getattr(LedgerRow, name)).label(name)
        for name in SUMMED
    ]
    query = select(*columns).select_from(LedgerRow).where(*conditions(scope, wanted))
    return _integers((await session.execute(query)).mappings().one())


def _media(name: str) -> ColumnElement[Any]:
    return cast(LedgerRow.media[name].as_string(), BigInteger)


def _count_if(condition: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.sum(case((condition, 1), else_=0), type_=Integer)


async def _add_totals(
    session: ReadSession, scope: Scope, wanted: RowFilter, first_ms: int | None, end_ms: int | None
) -> dict[str, int]:
    days = DayFilter(
        None if first_ms is None else utc_day(first_ms),
        None if end_ms is None else utc_day(end_ms),
        _who_and_what(wanted),
    )
    query = select(*_sum_columns()).where(*_total_conditions(scope, days))
    return _integers((await session.execute(query)).mappings().one())


def _integers(row: Row) -> dict[str, int]:
    return {name: int(value or 0) for name, value in row.items()}


# ---- summaries


@dataclass(frozen=True)
class DayFilter:
    """UTC days, `2026-05-30`; `before` is not included."""

    since: str | None
    before: str | None
    equal: Mapping[str, str]


def _who_and_what(wanted: RowFilter) -> dict[str, str]:
    return {name: value for name in TOTALS_TOO if (value := getattr(wanted, name)) is not None}


def _total_conditions(scope: Scope, wanted: DayFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [within(scope, LedgerTotal)]
    found.extend(getattr(LedgerTotal, name) == value for name, value in wanted.equal.items())
    if wanted.since is not None:
        found.append(LedgerTotal.day >= wanted.since)
    if wanted.before is not None:
        found.append(LedgerTotal.day < wanted.before)
    return found


def _sum_columns() -> list[ColumnElement[Any]]:
    return [func.sum(getattr(LedgerTotal, name)).label(name) for name in SUMMED]


async def summary(
    session: ReadSession, scope: Scope, wanted: DayFilter, *, by: Sequence[str], orders: Sequence[Order], page: Page
) -> tuple[Sequence[Row], int]:
    """One row a group, and how many groups there are. `by` are keys of DIMENSIONS."""
    groups = [getattr(LedgerTotal, DIMENSIONS[dimension]) for dimension in by]
    shown: list[ColumnElement[Any]] = list(groups)
    if "key" in by:
        shown.append(func.max(LedgerTotal.key_name).label("key_name"))
    query = select(*shown, *_sum_columns()).where(*_total_conditions(scope, wanted)).group_by(*groups)
    count = select(func.count()).select_from(
        select(*groups).where(*_total_conditions(scope, wanted)).group_by(*groups).subquery()
    )
    total = (await session.execute(count)).scalar_one()
    query = _ordered(query, groups, by, orders).limit(page.per_page).offset(page.offset)
    return (await session.execute(query)).mappings().all(), total


def _ordered(query: Select[Any], groups: list[Any], by: Sequence[str], orders: Sequence[Order]) -> Select[Any]:
    sortable: dict[str, Any] = {dimension: groups[place] for place, dimension in enumerate(by)}
    sortable["requests"] = func.sum(LedgerTotal.requests)
    sortable["cost"] = func.sum(LedgerTotal.cost_nanousd)
    keys = [sortable[order.field].desc() if order.descending else sortable[order.field].asc() for order in orders]
    return query.order_by(*keys, *groups)


async def summary_sums(session: ReadSession, scope: Scope, wanted: DayFilter) -> dict[str, int]:
    query = select(*_sum_columns()).where(*_total_conditions(scope, wanted))
    return _integers((await session.execute(query)).mappings().one())
