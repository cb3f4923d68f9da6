"""Lends money of hard budgets to relays.

What may be lent is the amount, less what is spent, less what is lent and not in the ledger yet. Each question is
answered in a transaction that holds the budget's row, so two lenders never give the same dollar away; the ledger's
drain needs no lock against it, since it only moves what was lent to what is spent.

Loans shrink with what remains, down to what a single call needs. Where that is not there but others hold money, they
are asked to give back what they do not need, and whoever asked is told to ask again.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from turnpike.contract.budgets import AskMoney, MoneyLent, RecallMoney
from turnpike.contract.messages import ToRelay
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import Budget, BudgetSlice
from turnpike.control.db.sessions import WriteSession
from turnpike.control.domains.budgets.truth import Sums, span_of, sums_of
from turnpike.kit.clock import now_ms

AT_ONCE = 100
"""Questions in one transaction."""
_WAITING_AT_MOST = 10_000
_RECALL_EVERY_S = 0.05

log = structlog.get_logger()


@dataclass(frozen=True)
class _Question:
    holder: str
    ask: AskMoney
    answer: Callable[[ToRelay], None]


class Lender:
    """`home` names this machine's journals; `tell_all` reaches every relay of this machine, `relays` says how many."""

    def __init__(self, database: Database, home: Callable[[], str]) -> None:
        self._database = database
        self._find_home = home
        self._home = ""
        self._queue: list[_Question] = []
        self._task: asyncio.Task[None] | None = None
        self._recalled: dict[str, float] = {}
        self.tell_all: Callable[[ToRelay], None] = lambda _: None
        self.relays: Callable[[], int] = lambda: 1

    @property
    def home(self) -> str:
        """Name of this machine's journals."""
        self._home = self._home or self._find_home()
        return self._home

    def is_here(self, home: str) -> bool:
        """Whether a holder's journal is this machine's."""
        return home == self.home

    def ask(self, holder: str, ask: AskMoney, answer: Callable[[ToRelay], None]) -> None:
        """`answer` is called later, once."""
        question = _Question(holder, ask, answer)
        if len(self._queue) >= _WAITING_AT_MOST:
            answer(_unavailable(ask))
            return
        self._queue.append(question)
        if self._task is None:
            self._task = asyncio.create_task(self._work(), name="lend money")

    async def _work(self) -> None:
        """While one transaction is under way the next questions gather, and go together."""
        try:
            while self._queue:
                batch, self._queue = self._queue[:AT_ONCE], self._queue[AT_ONCE:]
                await self._answer(batch)
        finally:
            self._task = None

    async def _answer(self, batch: Sequence[_Question]) -> None:
        try:
            async with self._database.write() as session:
                answers = await self.lend(session, [(each.holder, each.ask) for each in batch])
        except UNREACHABLE as error:
            log.warning("money_not_lent", error_type=type(error).__name__)
            answers = [_unavailable(each.ask) for each in batch]
        for each, answer in zip(batch, answers, strict=True):
            if answer.pending:
                self.recall(each.ask.budget_id)
            each.answer(answer)

    def recall(self, budget_id: str) -> None:
        """Asks all relays for what they do not need of a budget; not more often than they can answer."""
        now = asyncio.get_running_loop().time()
        if now - self._recalled.get(budget_id, 0.0) < _RECALL_EVERY_S:
            return
        if len(self._recalled) > _WAITING_AT_MOST:
            self._recalled.clear()
        self._recalled[budget_id] = now
        self.tell_all(RecallMoney(budget_id))

    # ---- one transaction

    async def lend(self, session: WriteSession, asked: Sequence[tuple[str, AskMoney]]) -> list[MoneyLent]:
        """The answers, in order."""
        ids = sorted({ask.budget_id for _, ask in asked})
        locked = select(Budget).where(Budget.id.in_(ids)).order_by(Budget.id).with_for_update()
        rows = {row.id: row for row in (await session.scalars(locked)).all()}
        return [await self._lend(session, rows.get(ask.budget_id), holder, ask) for holder, ask in asked]

    async def _lend(self, session: WriteSession, row: Budget | None, holder: str, ask: AskMoney) -> MoneyLent:
        key = (ask.budget_id, ask.start_ms, holder)
        mine = await session.get(BudgetSlice, key, populate_existing=True)
        if mine is not None and ask.id <= mine.asked:
            # Of a connection that broke: whatever was asked after it has been answered.
            return _unavailable(ask)
        held, fresh, base = _held(mine, ask)
        if row is None or not _lends(row) or span_of(row).of(ask.start_ms)[0] != ask.start_ms:
            await self._write(session, key, mine, ask, (held, fresh, base))
            return MoneyLent(ask.id, ask.budget_id, ask.start_ms, held, 0, pending=False, void=True)
        await self._write(session, key, mine, ask, (held, fresh, base))
        span = span_of(row)
        first = max(0, ask.start_ms - span.length_ms)
        sums = await sums_of(session, row.id, first, ask.start_ms, besides=holder, home=self.home)
        lent, most = loan(row.amount_nanousd, sums, ask, max(self.relays(), sums.holders))
        pending = not lent and 0 < ask.least_nanousd <= most
        if lent:
            await self._write(session, key, mine, ask, (held + lent, fresh, base))
        if pending and not self._database.is_sqlite:
            row.short_at_ms = now_ms()
        return MoneyLent(
            ask.id, row.id, ask.start_ms, held + lent, lent, pending,
            most_nanousd=most, amount_nanousd=row.amount_nanousd, spent_nanousd=sums.spent,
        )  # fmt: skip

    async def _write(
        self,
        session: WriteSession,
        key: tuple[str, int, str],
        mine: BudgetSlice | None,
        ask: AskMoney,
        sums: tuple[int, int, int],
    ) -> None:
        granted, fresh, base = sums
        changed = {
            "granted_nanousd": granted,
            "asked": ask.id,
            "fresh": fresh,
            "base_nanousd": base,
            "seen_at_ms": now_ms(),
        }
        # A slice that was written off while its holder went on: what it says is free is lent again.
        settled = 0 if mine is not None or ask.fresh else max(0, ask.held_nanousd - ask.free_nanousd)
        budget_id, start_ms, holder = key
        values = {
            "budget_id": budget_id, "start_ms": start_ms, "holder": holder, "home": self.home,
            "settled_nanousd": settled, **changed,
        }  # fmt: skip
        insert = (sqlite.insert if self._database.is_sqlite else postgresql.insert)(BudgetSlice).values(values)
        await session.execute(insert.on_conflict_do_update(index_elements=list(_KEY), set_=changed))


_KEY = ("budget_id", "start_ms", "holder")


def _held(mine: BudgetSlice | None, ask: AskMoney) -> tuple[int, int, int]:
    """What the relay holds by its own word, and how a fresh one's beginning is remembered."""
    granted = mine.granted_nanousd if mine is not None else 0
    if not ask.fresh:
        return ask.held_nanousd, mine.fresh if mine is not None else 0, mine.base_nanousd if mine is not None else 0
    # Asked again because the first answer was lost: what was lent in it never arrived.
    base = mine.base_nanousd if mine is not None and mine.fresh == ask.fresh else granted
    return base, ask.fresh, base


def _lends(row: Budget) -> bool:
    return row.hard and row.is_active and row.deleted_at_ms is None


def loan(amount: int, sums: Sums, ask: AskMoney, holders: int) -> tuple[int, int]:
    """How much is lent, and how much more there can ever be: what others hold may come back. Pure.

    A question for one call's need gets it if it is there at all. What is lent in advance is at most a half of what
    each holder could have, so that many of them come near the end together.
    """
    available = amount - sums.spent - sums.lent
    most = max(0, available + sums.lent_to_others)
    if available < max(1, ask.least_nanousd) or not ask.want_nanousd:
        # Crumbs are kept for whom they are enough.
        return 0, most
    share = (available - ask.least_nanousd) // (2 * max(1, holders))
    more = min(max(0, ask.want_nanousd - ask.least_nanousd), share)
    return ask.least_nanousd + more, most


def _unavailable(ask: AskMoney) -> MoneyLent:
    return MoneyLent(ask.id, ask.budget_id, ask.start_ms, 0, 0, pending=False, unavailable=True)
