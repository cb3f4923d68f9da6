"""Queries on budgets. Never commits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, literal, select, union_all

from turnpike.control.db.models import (
    ApiKey,
    Budget,
    BudgetAlert,
    BudgetCounter,
    BudgetSlice,
    Credential,
    Department,
    Provider,
    User,
)
from turnpike.control.db.scoped import get_within, select_within, within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.budgets.truth import outstanding
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.rights.policy import Scope
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {"created_at": Budget.created_at_ms, "kind": Budget.kind, "amount": Budget.amount_nanousd}
NAMES = {
    "key": ApiKey.name, "user": User.display_name, "department": Department.name, "credential": Credential.label,
    "provider": Provider.slug,
}  # fmt: skip


@dataclass(frozen=True)
class BudgetFilter:
    kind: str | None = None
    subject: str | None = None
    period: str | None = None


async def budgets(
    session: ReadSession, scope: Scope, wanted: BudgetFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[Budget], int]:
    query = select_within(scope, Budget).where(Budget.deleted_at_ms.is_(None))
    for column, value in ((Budget.kind, wanted.kind), (Budget.subject, wanted.subject), (Budget.period, wanted.period)):
        if value is not None:
            query = query.where(column == value)
    return await paged(session, ordered(query, orders, ORDER, Budget.id), page)


async def budget(session: ReadSession, scope: Scope, budget_id: str) -> Budget | None:
    row = await get_within(session, scope, Budget, budget_id)
    return row if row is not None and row.deleted_at_ms is None else None


async def of_subjects(session: ReadSession, pairs: Sequence[tuple[str, str]]) -> list[Budget]:
    rows: list[Budget] = []
    for kind, subject in pairs:
        query = select(Budget).where(Budget.kind == kind, Budget.subject == subject, Budget.deleted_at_ms.is_(None))
        rows += (await session.scalars(query.order_by(Budget.id))).all()
    return rows


async def following(session: ReadSession, source: str) -> Budget | None:
    query = select(Budget).where(Budget.source == source, Budget.deleted_at_ms.is_(None))
    return (await session.scalars(query)).first()


async def names_of(session: ReadSession, subjects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """What people call these, pairs of kind and subject; without those that have no name of their own, or are gone."""
    ids: dict[str, set[str]] = {}
    for kind, subject in subjects:
        if kind in NAMES:
            ids.setdefault(kind, set()).add(subject)
    if not ids:
        return {}
    parts = [
        select(literal(kind), column.class_.id, column).where(column.class_.id.in_(ids[kind]))
        for kind, column in NAMES.items()
        if kind in ids
    ]
    return {(kind, subject): name for kind, subject, name in (await session.execute(union_all(*parts))).all()}


async def provider_id(session: ReadSession, text: str) -> str | None:
    return await session.scalar(select(Provider.id).where((Provider.slug == text) | (Provider.id == text)))


async def slices(session: ReadSession, budget_id: str) -> Sequence[BudgetSlice]:
    """Those with money that is not in the ledger."""
    query = select(BudgetSlice).where(BudgetSlice.budget_id == budget_id, outstanding() > 0)
    return (await session.scalars(query.order_by(BudgetSlice.start_ms.desc(), BudgetSlice.holder).limit(500))).all()


async def forget_slice(session: WriteSession, row: BudgetSlice) -> None:
    await session.execute(
        delete(BudgetSlice).where(
            BudgetSlice.budget_id == row.budget_id,
            BudgetSlice.start_ms == row.start_ms,
            BudgetSlice.holder == row.holder,
        )
    )


async def counters(
    session: ReadSession, scope: Scope, budget_id: str, page: Page
) -> tuple[Sequence[BudgetCounter], int]:
    query = select(BudgetCounter).join(Budget, Budget.id == BudgetCounter.budget_id)
    query = query.where(BudgetCounter.budget_id == budget_id, within(scope, Budget))
    return await paged(session, query.order_by(BudgetCounter.start_ms.desc()), page)


async def alerts(
    session: ReadSession, scope: Scope, budget_id: str | None, page: Page
) -> tuple[Sequence[BudgetAlert], int]:
    query = select_within(scope, BudgetAlert)
    if budget_id is not None:
        query = query.where(BudgetAlert.budget_id == budget_id)
    newest = (BudgetAlert.raised_at_ms.desc(), BudgetAlert.budget_id, BudgetAlert.percent)
    return await paged(session, query.order_by(*newest), page)
