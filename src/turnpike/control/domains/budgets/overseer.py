"""What control does about budgets by itself: raises alerts, and calls back money for lenders of other machines."""

import asyncio

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from turnpike.contract.periods import ROLLING
from turnpike.control.background import Background, Outage
from turnpike.control.db.database import Database
from turnpike.control.db.models import Budget, BudgetAlert, BudgetCounter
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.budgets.lender import Lender
from turnpike.control.domains.budgets.telling import tell
from turnpike.control.domains.budgets.truth import span_of, sums_of
from turnpike.kit.clock import now_ms

EVERY_S = 0.25
_ALERTS_EVERY = 4
_LOOK_BACK_MS = 10_000
"""Counters are looked at again for so long: a transaction may commit later than its time says."""
_FIRST_LOOK_MS = 86_400_000
_SHORT_MS = 1_500

log = structlog.get_logger()


class Overseer(Background):
    """A runner of control's; several machines do the same work and raise each alert once."""

    task_name = "budgets"

    def __init__(self, database: Database, lender: Lender) -> None:
        self._database = database
        self._lender = lender
        self._since_ms = now_ms() - _FIRST_LOOK_MS

    async def _run(self) -> None:
        turn = 0
        outage = Outage("budgets_not_looked_at")
        while True:
            await asyncio.sleep(EVERY_S)
            turn += 1
            with outage.borne():
                if not self._database.is_sqlite:
                    await self.call_back()
                if turn % _ALERTS_EVERY == 0:
                    await self.raise_alerts()

    async def call_back(self) -> None:
        async with self._database.read() as session:
            query = select(Budget.id).where(Budget.short_at_ms > now_ms() - _SHORT_MS)
            short = (await session.scalars(query)).all()
        for budget_id in short:
            self._lender.recall(budget_id)

    async def raise_alerts(self) -> int:
        """Returns how many percentages were found reached."""
        began = now_ms()
        async with self._database.read() as session:
            query = (
                select(Budget, BudgetCounter)
                .join(BudgetCounter, BudgetCounter.budget_id == Budget.id)
                .where(BudgetCounter.changed_at_ms >= self._since_ms - _LOOK_BACK_MS, Budget.deleted_at_ms.is_(None))
            )
            changed = (await session.execute(query)).all()
            reached = [alert for row, counter in changed for alert in await self._reached(session, row, counter)]
        if reached:
            insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
            async with self._database.write() as session:
                new = insert(BudgetAlert).values(reached).on_conflict_do_nothing()
                key = (BudgetAlert.budget_id, BudgetAlert.start_ms, BudgetAlert.percent)
                # Another process may have been first: who wrote the row tells of it.
                mine = {tuple(row) for row in (await session.execute(new.returning(*key))).all()}
                rows = {row.id: row for row, _ in changed}
                for alert in reached:
                    if (alert["budget_id"], alert["start_ms"], alert["percent"]) in mine:
                        await tell(session, rows[str(alert["budget_id"])], alert)
            for alert in reached:
                log.warning("budget_alert", budget_id=alert["budget_id"], percent=alert["percent"])
        self._since_ms = began
        return len(reached)

    async def _reached(self, session: ReadSession, row: Budget, counter: BudgetCounter) -> list[dict[str, object]]:
        """Those that were not raised before in this period; of a rolling budget, in its window."""
        first, spent = counter.start_ms, counter.spent_nanousd
        if row.period == ROLLING:
            first = span_of(row).counted_from(counter.start_ms)
            spent = (await sums_of(session, row.id, first, counter.start_ms)).spent
        percents = [percent for percent in row.alerts if spent * 100 >= row.amount_nanousd * percent]
        if not percents:
            return []
        raised = select(BudgetAlert.percent).where(
            BudgetAlert.budget_id == row.id, BudgetAlert.start_ms.between(first, counter.start_ms)
        )
        known = set((await session.scalars(raised)).all())
        return [
            {
                "budget_id": row.id,
                "start_ms": counter.start_ms,
                "percent": percent,
                "spent_nanousd": spent,
                "amount_nanousd": row.amount_nanousd,
                "raised_at_ms": now_ms(),
            }
            for percent in percents
            if percent not in known
        ]
