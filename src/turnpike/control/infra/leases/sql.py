"""Leases in the database: a statement, or a short transaction, for each step.

PostgreSQL's clock is the truth's. SQLite is opened by one control process only, whose own clock is as good.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from string import Template
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, literal, literal_column, select, text, tuple_

from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import LentSeats, LentWindow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.infra.leases import (
    Clock,
    Errand,
    LeasesUnreachable,
    SeatErrand,
    Seats,
    Slice,
    Window,
    window_start,
)
from turnpike.kit.clock import now_ms

_MOMENT = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('lent seats ' || :scope, 0))")
_WORDS = {True: {"most": "max", "least": "min"}, False: {"most": "greatest", "least": "least"}}
"""By whether it is SQLite."""

_NUMBERS = ("length", "start", "limit", "wanted", "share", "least")
_USED = "CASE WHEN :start > lent_windows.start_ms THEN 0 ELSE lent_windows.used END"
_LEFT = f"(:limit - ({_USED}))"
_GRANTED = f"$most(0, $least(:wanted, {_LEFT}, $most(:least, {_LEFT} / :share)))"
_FIRST = "$most(0, $least(:wanted, :limit, $most(:least, :limit / :share)))"
_TAKE = Template(f"""
INSERT INTO lent_windows (scope, resource, length_ms, start_ms, used, granted)
VALUES (:scope, :resource, :length, :start, {_FIRST}, {_FIRST})
ON CONFLICT (scope, resource, length_ms) DO UPDATE SET
  start_ms = CASE WHEN :start > lent_windows.start_ms OR lent_windows.start_ms - :start > :length
             THEN :start ELSE lent_windows.start_ms END,
  used = {_USED} + {_GRANTED},
  granted = {_GRANTED}
RETURNING start_ms, used, granted
""")  # noqa: S608 - put together of constants above
_GIVE_BACK = text(
    "UPDATE lent_windows SET used = CASE WHEN used > :amount THEN used - :amount ELSE 0 END"
    " WHERE scope = :scope AND resource = :resource AND length_ms = :length AND start_ms = :start"
)
_RESET = text("UPDATE lent_windows SET used = 0 WHERE scope = :scope AND resource = :resource AND length_ms = :length")
_IDENTITY = tuple_(LentWindow.scope, LentWindow.resource, LentWindow.length_ms)
_OTHERS = text("SELECT coalesce(sum(seats), 0) FROM lent_seats WHERE scope = :scope AND holder <> :holder")
_FORGET = text("DELETE FROM lent_seats WHERE scope = :scope AND (until_ms <= :now OR holder = :holder)")
_SIT = text("INSERT INTO lent_seats (scope, holder, seats, until_ms) VALUES (:scope, :holder, :seats, :until)")


class SqlLeases:
    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self._database = database
        self._clock = clock or (now_ms if database.is_sqlite else None)
        # Without their types PostgreSQL would take the numbers for the smallest that may fit.
        numbers = [bindparam(name, type_=BigInteger) for name in _NUMBERS]
        self._take = text(_TAKE.substitute(_WORDS[database.is_sqlite])).bindparams(*numbers)

    async def take(self, window: Window, wanted: int, *, share: int = 1) -> Slice:
        (taken,) = await self.lend([Errand(window, wanted, share)])
        return taken

    async def lend(self, errands: Sequence[Errand]) -> list[Slice]:
        rows: dict[int, Any] = {}
        async with self._write() as session:
            start_ms = await self._now(session)
            # In one order in every transaction, so that two of them never wait for each other.
            for number in sorted(range(len(errands)), key=lambda each: _order(errands[each].window)):
                rows[number] = await self._lend(session, errands[number], start_ms)
            # Asked again: another holder's transaction may have been waited for.
            now = await self._now(session)
        return [
            Slice(row.granted, row.used, row.start_ms, row.start_ms + errand.window.length_ms - now)
            for errand, row in ((errand, rows[number]) for number, errand in enumerate(errands))
        ]

    async def _lend(self, session: WriteSession, errand: Errand, now: int) -> Any:
        window = errand.window
        if errand.back:
            back = {"start": errand.back_start_ms, "amount": errand.back}
            await session.execute(_GIVE_BACK, {**_key(window), **back})
        start = now - now % window.length_ms
        values = {"start": start, "limit": window.limit, "wanted": errand.wanted, "share": errand.share}
        return (await session.execute(self._take, {**_key(window), **values, "least": errand.least})).one()

    async def give_back(self, window: Window, start_ms: int, amount: int) -> None:
        async with self._write() as session:
            await session.execute(_GIVE_BACK, {**_key(window), "start": start_ms, "amount": amount})

    async def used(self, windows: Sequence[Window]) -> list[int]:
        query = select(LentWindow, self._moment()).where(_IDENTITY.in_([_order(window) for window in windows]))
        async with self._read() as session:
            rows = (await session.execute(query)).all()
        # Of those that are running.
        used = {
            (row.scope, row.resource, row.length_ms): row.used
            for row, now in rows
            if not window_start(now, row.length_ms, row.start_ms)[1]
        }
        return [used.get(_order(window), 0) for window in windows]

    async def reset(self, windows: Sequence[Window]) -> None:
        async with self._write() as session:
            for window in windows:
                await session.execute(_RESET, _key(window))

    async def hold(self, seats: Seats, holder: str, wanted: int, ttl_ms: int) -> int:
        ((given, _),) = await self.sit([SeatErrand(seats, holder, wanted, ttl_ms)])
        return given

    async def sit(self, errands: Sequence[SeatErrand]) -> list[tuple[int, int]]:
        answers: dict[int, tuple[int, int]] = {}
        async with self._write() as session:
            for number in sorted(range(len(errands)), key=lambda each: errands[each].seats.scope):
                answers[number] = await self._sit(session, errands[number])
        return [answers[number] for number in range(len(errands))]

    async def _sit(self, session: WriteSession, errand: SeatErrand) -> tuple[int, int]:
        seats = errand.seats
        if not self._database.is_sqlite:
            await session.execute(_LOCK, {"scope": seats.scope})
        now = await self._now(session)
        who = {"scope": seats.scope, "holder": errand.holder}
        await session.execute(_FORGET, {**who, "now": now})
        others = (await session.execute(_OTHERS, who)).scalar_one()
        given = max(0, min(errand.wanted, seats.limit - others))
        if given:
            await session.execute(_SIT, {**who, "seats": given, "until": now + errand.ttl_ms})
        return given, others + given

    async def seated(self, seats: Sequence[Seats]) -> list[int]:
        query = select(LentSeats.scope, func.sum(LentSeats.seats)).group_by(LentSeats.scope)
        query = query.where(LentSeats.scope.in_([each.scope for each in seats]))
        async with self._read() as session:
            held = dict((await session.execute(query.where(LentSeats.until_ms > self._moment()))).all())
        return [int(held.get(each.scope, 0)) for each in seats]

    async def close(self) -> None:
        """The database is its owner's."""

    async def _now(self, session: ReadSession) -> int:
        if self._clock is not None:
            return self._clock()
        return (await session.execute(select(self._moment()))).scalar_one()

    def _moment(self) -> ColumnElement[int]:
        """Now, by the truth's clock, for a statement that asks for more."""
        return literal_column(_MOMENT, BigInteger) if self._clock is None else literal(self._clock(), BigInteger)

    @asynccontextmanager
    async def _write(self) -> AsyncIterator[WriteSession]:
        try:
            async with self._database.write() as session:
                yield session
        except UNREACHABLE as error:
            raise _unreachable() from error

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[ReadSession]:
        try:
            async with self._database.read() as session:
                yield session
        except UNREACHABLE as error:
            raise _unreachable() from error


def _unreachable() -> LeasesUnreachable:
    return LeasesUnreachable("The database that limits are counted in does not answer at the moment.", retry_after_s=2)


def _key(window: Window) -> dict[str, object]:
    return {"scope": window.scope, "resource": window.resource, "length": window.length_ms}


def _order(window: Window) -> tuple[str, str, int]:
    return window.scope, window.resource, window.length_ms
