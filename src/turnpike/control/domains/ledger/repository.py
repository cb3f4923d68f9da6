"""Queries on the ledger's rows. Each takes the scope of who asks; none writes."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, RowMapping, select, tuple_

from turnpike.control.db.models.ledger import LedgerRow, LedgerTotal
from turnpike.control.db.scoped import within
from turnpike.control.db.sessions import ReadSession
from turnpike.control.rights.policy import OwnData, Scope
from turnpike.kit.pagination import Order, Page

Row = RowMapping


@dataclass(frozen=True)
class RowFilter:
    """Times in milliseconds, `until_ms` not included. None: any."""

    since_ms: int | None = None
    until_ms: int | None = None
    key_id: str | None = None
    user_id: str | None = None
    department_id: str | None = None
    model: str | None = None
    provider: str | None = None
    deployment_id: str | None = None
    model_asked: str | None = None
    operation: str | None = None
    status: int | None = None
    outcome: int | None = None
    error_code: str | None = None
    request_id: str | None = None
    trace_id: str | None = None
    priced: bool | None = None
    min_cost_nanousd: int | None = None
    max_cost_nanousd: int | None = None

    @property
    def known_to_totals(self) -> bool:
        """Whether the daily totals can tell these rows from others, but for the time."""
        return all(getattr(self, name) is None for name in _ROWS_ONLY)


TOTALS_TOO = ("key_id", "user_id", "department_id", "model", "provider", "deployment_id", "operation")
_ROWS_ONLY = (
    "model_asked", "status", "outcome", "error_code", "request_id", "trace_id", "priced",
    "min_cost_nanousd", "max_cost_nanousd",
)  # fmt: skip
_EQUAL = (*TOTALS_TOO, *_ROWS_ONLY[:7])


# ---- rows


def conditions(scope: Scope, wanted: RowFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [within(scope, LedgerRow)]
    for name in _EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            found.append(getattr(LedgerRow, name) == value)
    if wanted.key_id is not None and wanted.user_id is None and not isinstance(scope, OwnData):
        # There is no index by key, but one by user: a key has one user, for ever.
        owner = select(LedgerTotal.user_id).where(LedgerTotal.key_id == wanted.key_id, within(scope, LedgerTotal))
        owner = owner.limit(1).scalar_subquery()
        found.append(LedgerRow.user_id == owner)
    if wanted.since_ms is not None:
        found.append(LedgerRow.started_at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(LedgerRow.started_at_ms < wanted.until_ms)
    if wanted.min_cost_nanousd is not None:
        found.append(LedgerRow.cost_nanousd >= wanted.min_cost_nanousd)
    if wanted.max_cost_nanousd is not None:
        found.append(LedgerRow.cost_nanousd <= wanted.max_cost_nanousd)
    return found


async def rows(
    session: ReadSession, scope: Scope, wanted: RowFilter, orders: Sequence[Order], page: Page
) -> Sequence[Row]:
    columns = {"started_at": LedgerRow.started_at_ms, "cost": LedgerRow.cost_nanousd}
    query = select(*LedgerRow.__table__.columns).where(*conditions(scope, wanted))
    for order in orders:
        column = columns[order.field]
        directed = column.desc() if order.descending else column.asc()
        query = query.order_by(directed.nulls_last() if order.field == "cost" else directed)
    last = LedgerRow.event_id.desc() if orders[-1].descending else LedgerRow.event_id.asc()
    query = query.order_by(last).limit(page.per_page).offset(page.offset)
    return (await session.execute(query)).mappings().all()


async def row(session: ReadSession, scope: Scope, event_id: bytes) -> Row | None:
    query = select(*LedgerRow.__table__.columns).where(LedgerRow.event_id == event_id, within(scope, LedgerRow))
    return (await session.execute(query)).mappings().one_or_none()


async def rows_after(
    session: ReadSession, scope: Scope, wanted: RowFilter, after: tuple[int, bytes] | None, limit: int
) -> Sequence[Row]:
    """The next rows in the order of time and event, behind `after`."""
    query = select(*LedgerRow.__table__.columns).where(*conditions(scope, wanted))
    if after is not None:
        query = query.where(
            LedgerRow.started_at_ms >= after[0], tuple_(LedgerRow.started_at_ms, LedgerRow.event_id) > after
        )
    query = query.order_by(LedgerRow.started_at_ms, LedgerRow.event_id).limit(limit)
    return (await session.execute(query)).mappings().all()
