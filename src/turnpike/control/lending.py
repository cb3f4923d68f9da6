"""Answers relays that ask for slices of limits, out of the shared truth.

While one batch is under way the next asks gather, of all relays, and go together: under load a transaction serves
many. A truth that does not answer is said to be away; relays know what to do then.
"""

import asyncio
from collections.abc import Callable, Sequence
from importlib import import_module

import structlog

from turnpike.contract.leases import SEATS_TTL_MS, LeaseAnswer, LeaseAsk, SliceAnswer, SliceAsk
from turnpike.control.db.database import Database
from turnpike.control.health import OK
from turnpike.control.infra.leases import Errand, Leases, LeasesUnreachable, SeatErrand, Seats, Window
from turnpike.control.infra.leases.memory import MemoryLeases
from turnpike.control.infra.leases.sql import SqlLeases
from turnpike.settings import LeasesIn, Settings

ANSWER_WITHIN_S = 2.5
"""Relays wait a little longer than that."""
AT_ONCE = 500
"""Counters in one transaction."""

log = structlog.get_logger()
_Waiting = tuple[LeaseAsk, str, "asyncio.Future[LeaseAnswer]"]
_Answers = dict[tuple[int, int], SliceAnswer]
"""By the number of the ask in its batch, and of the slice in the ask."""


def open_leases(settings: Settings, database: Database) -> Leases:
    """The truth that the settings name. Nothing is connected yet."""
    match settings.leases:
        case LeasesIn.REDIS:
            # Only who asks for it waits until its client is loaded.
            return import_module("turnpike.control.infra.leases.redis_store").open_redis(settings.redis_address())
        case LeasesIn.MEMORY:
            return MemoryLeases()
        case _:
            return SqlLeases(database)


class Lender:
    def __init__(self, leases: Leases) -> None:
        self.leases = leases
        self.relays: Callable[[], int] = lambda: 1
        """How many there are, as far as this process knows; set by the contract server."""
        self._waiting: list[_Waiting] = []
        self._lending: asyncio.Task[None] | None = None
        self._fault: str | None = None

    async def answer(self, ask: LeaseAsk, holder: str) -> LeaseAnswer:
        """`holder`: the relay's incarnation, whose seats they are."""
        answer: asyncio.Future[LeaseAnswer] = asyncio.get_running_loop().create_future()
        self._waiting.append((ask, holder, answer))
        if self._lending is None:
            self._lending = asyncio.create_task(self._lend_all(), name="lend")
        return await answer

    async def close(self) -> None:
        if self._lending is not None:
            await asyncio.wait({self._lending}, timeout=ANSWER_WITHIN_S)
        await self.leases.close()

    def check(self) -> str:
        """For /health."""
        return self._fault or OK

    # ---- batches

    async def _lend_all(self) -> None:
        try:
            while self._waiting:
                await self._lend(self._next_batch())
        finally:
            self._lending = None

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and (not batch or size + len(self._waiting[0][0].asks) <= AT_ONCE):
            batch.append(self._waiting.pop(0))
            size += len(batch[-1][0].asks)
        return batch

    async def _lend(self, batch: list[_Waiting]) -> None:
        answers: _Answers = {}
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                await self._lend_windows(batch, answers)
                await self._lend_seats(batch, answers)
        except (LeasesUnreachable, TimeoutError) as error:
            self._lost(error)
            for ask, _, waiting in batch:
                _settle(waiting, LeaseAnswer(ask.id, None))
            return
        except BaseException as error:
            # A fault of ours must not leave relays without an answer; the task's owner hears of it.
            for ask, _, waiting in batch:
                _settle(waiting, LeaseAnswer(ask.id, None))
            log.error("slices_not_lent", error_type=type(error).__name__)
            raise
        self._found()
        for number, (ask, _, waiting) in enumerate(batch):
            _settle(waiting, LeaseAnswer(ask.id, tuple(answers[number, each] for each in range(len(ask.asks)))))

    async def _lend_windows(self, batch: Sequence[_Waiting], answers: _Answers) -> None:
        share = 2 * max(1, self.relays())
        asked = [(place, each) for place, each in _slices(batch) if each.length_ms]
        errands = [Errand(_window(each), each.wanted, share, each.least, each.back, each.start_ms) for _, each in asked]
        slices = await self.leases.lend(errands) if errands else []
        for (place, each), lent in zip(asked, slices, strict=True):
            answers[place] = SliceAnswer(each.number, lent.granted, lent.used, lent.start_ms, lent.usable_for_ms)

    async def _lend_seats(self, batch: Sequence[_Waiting], answers: _Answers) -> None:
        asked = [(place, each) for place, each in _slices(batch) if not each.length_ms]
        errands = [
            SeatErrand(Seats(each.scope, each.limit), batch[place[0]][1], each.wanted, SEATS_TTL_MS)
            for place, each in asked
        ]
        held = await self.leases.sit(errands) if errands else []
        for (place, each), (given, seated) in zip(asked, held, strict=True):
            answers[place] = SliceAnswer(each.number, given, seated, 0, SEATS_TTL_MS)

    def _lost(self, error: Exception) -> None:
        if self._fault is None:
            log.error("limits_cannot_be_counted", error_type=type(error).__name__)
        self._fault = "limits cannot be counted: " + (str(error) or "no answer in time")

    def _found(self) -> None:
        if self._fault is not None:
            log.info("limits_are_counted_again")
        self._fault = None


def _slices(batch: Sequence[_Waiting]) -> list[tuple[tuple[int, int], SliceAsk]]:
    return [((number, place), each) for number, (ask, _, _) in enumerate(batch) for place, each in enumerate(ask.asks)]


def _window(ask: SliceAsk) -> Window:
    return Window(ask.scope, ask.resource, ask.length_ms, ask.limit)


def _settle(waiting: "asyncio.Future[LeaseAnswer]", answer: LeaseAnswer) -> None:
    if not waiting.done():
        waiting.set_result(answer)
