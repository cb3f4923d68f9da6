"""What guards decided: found, counted, and removed when it is old. The audit log has its own entries of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sqlalchemy import ColumnElement, delete, func, or_, select, tuple_

from turnpike.control.db.database import Database
from turnpike.control.db.models import GuardDecision
from turnpike.control.db.scoped import select_within, within
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.rights.policy import Scope
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {"at": GuardDecision.at_ms, "policy": GuardDecision.policy}
By = Literal["department_id", "policy", "guard", "kind", "action", "side", "model", "key_id", "user_id"]
_DAY_MS = 86_400_000
_AT_ONCE = 1_000


@dataclass(frozen=True)
class DecisionFilter:
    policy: str | None = None
    """Id or name."""
    guard: str | None = None
    action: str | None = None
    kind: str | None = None
    key_id: str | None = None
    user_id: str | None = None
    department_id: str | None = None
    request_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Counted(NamedTuple):
    values: tuple[Any, ...]
    """Of the members that were asked for, in that order."""
    finds: int
    calls: int


async def decisions(
    session: ReadSession, scope: Scope, wanted: DecisionFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[GuardDecision], int]:
    query = select_within(scope, GuardDecision).where(*_conditions(wanted))
    return await paged(session, ordered(query, orders, ORDER, GuardDecision.event_id), page)


async def counted(
    session: ReadSession, scope: Scope, wanted: DecisionFilter, by: Sequence[By], limit: int
) -> list[Counted]:
    """How much was found, by these members, the most first."""
    columns = [getattr(GuardDecision, name) for name in by]
    finds = func.sum(GuardDecision.finds)
    calls = func.count(GuardDecision.event_id.distinct())
    query = select(*columns, finds, calls).where(within(scope, GuardDecision), *_conditions(wanted))
    rows = await session.execute(query.group_by(*columns).order_by(finds.desc(), *columns).limit(limit))
    plain = [tuple(row) for row in rows.all()]
    return [Counted(row[:-2], int(row[-2]), int(row[-1])) for row in plain]


def _conditions(wanted: DecisionFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    for name in ("guard", "action", "kind", "key_id", "user_id", "department_id", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(getattr(GuardDecision, name) == value)
    if wanted.policy is not None:
        found.append(or_(GuardDecision.policy_id == wanted.policy, GuardDecision.policy == wanted.policy))
    if wanted.since_ms is not None:
        found.append(GuardDecision.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        found.append(GuardDecision.at_ms < wanted.until_ms)
    return found


async def forget_old(database: Database, days: int) -> int:
    """Removes what is older, some at a time; 0 days: nothing. Returns how many rows went."""
    if not days:
        return 0
    oldest = now_ms() - days * _DAY_MS
    key = (GuardDecision.event_id, GuardDecision.number, GuardDecision.place)
    removed = 0
    while True:
        async with database.write() as session:
            rows = (await session.execute(select(*key).where(GuardDecision.at_ms < oldest).limit(_AT_ONCE))).all()
            if rows:
                await session.execute(delete(GuardDecision).where(tuple_(*key).in_([tuple(row) for row in rows])))
        removed += len(rows)
        if len(rows) < _AT_ONCE:
            return removed
