"""The lender and the drain together never let more be spent than a budget has, on both databases."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from tests.support.databases import test_settings
from tests.support.journals import event_id, usage_event
from turnpike.contract.budgets import AskMoney, MoneyLent
from turnpike.control.db.database import Database
from turnpike.control.db.models import Budget, BudgetCounter, BudgetSlice
from turnpike.control.domains.budgets.lender import Lender
from turnpike.control.drain.charges import Charged
from turnpike.control.drain.rows import row_of
from turnpike.control.drain.writers import LedgerWriter, open_writer
from turnpike.settings import Settings

AMOUNT = 10_000
BOUND = 100
HOME = "home"


class Holder:
    """What a relay knows of its pot: the model that the database is held against."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.held = self.left = self.reserved = 0
        self.fresh = 0
        self.is_fresh = True
        self.unsettled: list[int] = []
        """Costs of calls that have ended and are not in the ledger."""
        self.calls: list[int] = []
        """Reservations of calls that run."""


class World:
    """A budget, its lender and its ledger, and relays that are simple counters."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings)
        self.lender = Lender(self.database, lambda: HOME)
        self.writer: LedgerWriter = open_writer(settings)
        self.holders = {name: Holder(name) for name in ("a", "b", "c")}
        self.number = 0
        self.spent = 0
        self.budget = ""
        self.amount = AMOUNT

    async def start(self) -> None:
        async with self.database.write() as session:
            row = Budget(
                kind="gateway", subject="", amount_nanousd=self.amount, period="total", zone="UTC", length_ms=0,
                hard=True, alerts=[], flat_nanousd=None,
            )  # fmt: skip
            session.add(row)
            await session.flush()
            self.budget = row.id

    async def close(self) -> None:
        await self.writer.close()
        await self.database.close()

    async def ask(self, holder: Holder, least: int, want: int, *, arrives: bool = True) -> MoneyLent:
        self.number += 1
        if holder.is_fresh and not holder.fresh:
            holder.fresh = self.number
        fresh = holder.fresh if holder.is_fresh else 0
        free = holder.left + holder.reserved
        question = AskMoney(self.number, self.budget, 0, holder.held, free, fresh, least, want)
        answers: asyncio.Future[MoneyLent] = asyncio.get_running_loop().create_future()
        self.lender.ask(holder.name, question, answers.set_result)
        answer = await answers
        assert not answer.unavailable
        if arrives:
            holder.held, holder.is_fresh, holder.fresh = answer.held_nanousd, False, 0
            holder.left += answer.lent_nanousd
        return answer

    async def drain(self, holder: Holder, *, twice: bool = False) -> None:
        costs, holder.unsettled = holder.unsettled, []
        rows = [row_of(usage_event(event_id(), cost_nanousd=cost)) for cost in costs]
        charges = {row[0]: Charged((f"{self.budget}@0",), holder.name) for row in rows}
        for _ in range(2 if twice else 1):
            await self.writer.write(rows, charges)
        self.spent += sum(costs)

    async def state(self) -> tuple[int, dict[str, int]]:
        async with self.database.read() as session:
            spent = sum((await session.scalars(select(BudgetCounter.spent_nanousd))).all())
            rows = (await session.scalars(select(BudgetSlice))).all()
            return spent, {row.holder: max(0, row.granted_nanousd - row.settled_nanousd) for row in rows}


class Lending(RuleBasedStateMachine):
    template: Path
    folders: Iterator[Path]

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        folder = next(self.folders)
        shutil.copy(self.template, folder / "turnpike.db")
        self.world = World(test_settings(folder))
        self.loop.run_until_complete(self.world.start())

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    names = st.sampled_from(("a", "b", "c"))

    @rule(name=names, least=st.integers(0, 3 * BOUND), more=st.integers(0, 2 * AMOUNT), arrives=st.booleans())
    def ask(self, name: str, least: int, more: int, arrives: bool) -> None:
        holder = self.world.holders[name]
        answer = self.run(self.world.ask(holder, least, least + more, arrives=arrives))
        assert answer.lent_nanousd in (0, *range(max(1, least), least + more + 1))
        if not arrives:
            # The line broke: the relay says what it holds before anything else.
            self.run(self.world.ask(holder, 0, 0))

    @rule(name=names)
    def begin_call(self, name: str) -> None:
        holder = self.world.holders[name]
        if holder.left >= BOUND:
            holder.left -= BOUND
            holder.reserved += BOUND
            holder.calls.append(BOUND)

    @rule(name=names, cost=st.integers(0, BOUND))
    def end_call(self, name: str, cost: int) -> None:
        holder = self.world.holders[name]
        if holder.calls:
            bound = holder.calls.pop()
            holder.reserved -= bound
            holder.left += bound - cost
            holder.unsettled.append(cost)

    @rule(name=names, twice=st.booleans())
    def drain(self, name: str, twice: bool) -> None:
        if self.world.holders[name].unsettled:
            self.run(self.world.drain(self.world.holders[name], twice=twice))

    @rule(name=names)
    def give_back(self, name: str) -> None:
        holder = self.world.holders[name]
        if not holder.is_fresh:
            holder.held -= holder.left
            holder.left = 0
            self.run(self.world.ask(holder, 0, 0))

    @rule(name=names)
    def forget(self, name: str) -> None:
        holder = self.world.holders[name]
        if not holder.left and not holder.reserved:
            holder.held, holder.is_fresh, holder.fresh = 0, True, 0

    @rule(name=names)
    def die(self, name: str) -> None:
        """Killed: running calls are charged their reservation, all is drained, the rest is taken back."""
        holder = self.world.holders[name]
        holder.unsettled += holder.calls
        if holder.unsettled:
            self.run(self.world.drain(holder))
        self.run(self.world.writer.take_back(name))
        self.world.holders[name] = Holder(name)

    @precondition(lambda self: hasattr(self, "world"))
    @invariant()
    def nothing_is_spent_or_lent_beyond_the_amount(self) -> None:
        world = self.world
        spent, lent = self.run(world.state())
        assert spent == world.spent, "the counter is the sum of the rows"
        assert spent + sum(lent.values()) <= world.amount
        for holder in world.holders.values():
            owed = holder.left + holder.reserved + sum(holder.unsettled)
            assert owed <= lent.get(holder.name, 0), "a relay never has what control does not know to be lent"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.run(self.world.close())
            self.loop.close()


def test_no_order_of_events_lends_more_than_there_is(sqlite_template: Path, tmp_path: Path) -> None:
    def folders() -> Iterator[Path]:
        number = 0
        while True:
            number += 1
            folder = tmp_path / f"run-{number}"
            folder.mkdir(mode=0o700)
            yield folder

    machine: Any = type("Machine", (Lending,), {"template": sqlite_template, "folders": folders()})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    limits = hypothesis_settings(max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    machine.TestCase.settings = limits
    machine.TestCase("runTest").runTest()


async def test_many_who_ask_at_once_get_no_more_than_there_is(settings: Settings) -> None:
    world = World(settings)
    await world.start()
    holders = [Holder(f"relay-{number}") for number in range(20)]
    asked = await asyncio.gather(*(world.ask(each, BOUND, AMOUNT) for each in holders for _ in range(1)))
    assert 0 < sum(answer.lent_nanousd for answer in asked) <= AMOUNT
    spent, lent = await world.state()
    assert (spent, sum(lent.values())) == (0, sum(each.left for each in holders))
    await world.close()


async def test_a_row_that_is_drained_twice_is_charged_once_and_settles_what_was_lent(settings: Settings) -> None:
    world = World(settings)
    await world.start()
    holder = world.holders["a"]
    await world.ask(holder, BOUND, BOUND)
    holder.left, holder.unsettled = 0, [40, 60]
    await world.drain(holder, twice=True)
    assert await world.state() == (100, {"a": 0})
    await world.close()


async def test_an_old_question_that_comes_late_changes_nothing(settings: Settings) -> None:
    world = World(settings)
    await world.start()
    holder = world.holders["a"]
    await world.ask(holder, BOUND, BOUND)
    before = await world.state()
    late: asyncio.Future[MoneyLent] = asyncio.get_running_loop().create_future()
    world.lender.ask("a", AskMoney(1, world.budget, 0, 0, 0, 0, BOUND, BOUND), late.set_result)
    assert (await late).lent_nanousd == 0
    assert await world.state() == before
    await world.close()


async def test_the_last_money_is_lent_call_by_call_and_what_can_never_come_is_said(settings: Settings) -> None:
    world = World(settings)
    await world.start()
    first, second = world.holders["a"], world.holders["b"]
    while (await world.ask(first, BOUND, AMOUNT)).lent_nanousd:
        pass
    assert AMOUNT - BOUND < first.left <= AMOUNT, "one relay alone gets all but what serves no call"
    answer = await world.ask(second, BOUND, AMOUNT)
    assert (answer.lent_nanousd, answer.pending) == (0, True), "the other may give back"
    first.unsettled, first.left = [first.left], 0
    await world.drain(first)
    answer = await world.ask(second, BOUND, AMOUNT)
    assert (answer.lent_nanousd, answer.pending, answer.spent_nanousd) == (0, False, world.spent)
    assert answer.most_nanousd == AMOUNT - world.spent < BOUND
    await world.close()


async def test_who_has_no_hard_budget_any_more_is_told_so(settings: Settings) -> None:
    world = World(settings)
    await world.start()
    async with world.database.write() as session:
        row = await session.get(Budget, world.budget)
        assert row is not None
        row.hard = False
    assert (await world.ask(world.holders["a"], BOUND, BOUND)).void
    await world.close()
