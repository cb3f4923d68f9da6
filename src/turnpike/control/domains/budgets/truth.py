"""What of a budget is spent and lent, asked of the database in one statement: what the ledger's drain moves from the
one to the other in its transaction is then never missed by both."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select, union_all

from turnpike.contract.budgets import BudgetSpec
from turnpike.contract.periods import Span
from turnpike.control.db.models import Budget, BudgetCounter, BudgetSlice
from turnpike.control.db.sessions import ReadSession
from turnpike.kit.clock import now_ms

_SEEN_LATELY_MS = 120_000


class Sums(NamedTuple):
    """Nano-dollars, of a budget's period or window."""

    spent: int
    lent: int
    """And not in the ledger yet."""
    lent_to_others: int
    """Of it, to holders besides one, who may still give it back."""
    holders: int


def span_of(row: Budget) -> Span:
    return Span(row.period, row.zone, row.length_ms)


def spec_of(row: Budget, shown: str) -> BudgetSpec:
    return BudgetSpec(
        row.id, row.kind, row.subject, shown, row.amount_nanousd, span_of(row), row.hard, row.flat_nanousd
    )


def outstanding() -> ColumnElement[int]:
    difference = BudgetSlice.granted_nanousd - BudgetSlice.settled_nanousd
    return case((difference > 0, difference), else_=0)


async def sums_of(
    session: ReadSession, budget_id: str, from_ms: int, until_ms: int, *, besides: str = "", home: str = ""
) -> Sums:
    """Counters and slices that begin between two moments, both included."""
    spent = select(literal(0).label("kind"), func.coalesce(func.sum(BudgetCounter.spent_nanousd), 0), literal(0)).where(
        BudgetCounter.budget_id == budget_id, BudgetCounter.start_ms.between(from_ms, until_ms)
    )
    lent = outstanding()
    mine = (BudgetSlice.budget_id == budget_id, BudgetSlice.start_ms.between(from_ms, until_ms))
    all_lent = select(literal(1), func.coalesce(func.sum(lent), 0), func.count()).where(*mine, lent > 0)
    # Who was not heard of for long, and is not of this machine, is perhaps gone: nobody waits for it.
    near = (BudgetSlice.home == home) | (BudgetSlice.seen_at_ms > now_ms() - _SEEN_LATELY_MS)
    others = select(literal(2), func.coalesce(func.sum(lent), 0), func.count()).where(
        *mine, BudgetSlice.holder != besides, BudgetSlice.home != "", near, lent > 0
    )
    rows = {row[0]: row for row in (await session.execute(union_all(spent, all_lent, others))).all()}
    return Sums(int(rows[0][1]), int(rows[1][1]), int(rows[2][1]), int(rows[1][2]))


class Standing(NamedTuple):
    """Nano-dollars, of the period or window that a budget is in."""

    spent: int = 0
    lent: int = 0
    """And not in the ledger yet."""


async def standings(session: ReadSession, rows: Sequence[Budget], at_ms: int) -> dict[str, Standing]:
    """By id, however many they are."""
    together: dict[tuple[int, int], list[str]] = {}
    for row in rows:
        span = span_of(row)
        together.setdefault((span.counted_from(at_ms), span.of(at_ms)[0]), []).append(row.id)
    if not together:
        return {}

    def counting(table: type[BudgetCounter] | type[BudgetSlice]) -> ColumnElement[bool]:
        spans = together.items()
        return or_(*(and_(table.start_ms.between(*span), table.budget_id.in_(ids)) for span, ids in spans))

    spent = select(literal(0), BudgetCounter.budget_id, func.sum(BudgetCounter.spent_nanousd)).where(
        counting(BudgetCounter)
    )
    lent = select(literal(1), BudgetSlice.budget_id, func.sum(outstanding())).where(counting(BudgetSlice))
    both = union_all(spent.group_by(BudgetCounter.budget_id), lent.group_by(BudgetSlice.budget_id))
    found = {(kind, budget_id): int(amount) for kind, budget_id, amount in (await session.execute(both)).all()}
    return {row.id: Standing(found.get((0, row.id), 0), found.get((1, row.id), 0)) for row in rows}


async def active(session: ReadSession, kinds: Sequence[str]) -> Sequence[Budget]:
    query = select(Budget).where(Budget.kind.in_(kinds), Budget.is_active, Budget.deleted_at_ms.is_(None))
    return (await session.scalars(query.order_by(Budget.id))).all()
