"""Rows into the database: the events and their totals in one transaction, each event once.

On the drivers themselves, below SQLAlchemy: this is done for every request that the relays ever answer.
"""

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import aiosqlite
import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from turnpike.contract.events import GuardRecord
from turnpike.contract.refusals import RefusalRecord
from turnpike.control.db.engine import is_sqlite, open_engines
from turnpike.control.drain.charges import NONE, Charges, Sums, sums_of
from turnpike.control.drain.courtesy import Turnstile
from turnpike.control.drain.decisions import insert_decisions
from turnpike.control.drain.refusals import forget_mark, insert_refusals, waiting_rows
from turnpike.control.drain.rows import COLUMNS, TOTAL_COLUMNS, TOTAL_KEYS, TOTAL_SUMS, Row, totals_of
from turnpike.settings import Settings

_RACES = 5
"""Tries against another process that puts the same events in at the same time."""


class Unreachable(Exception):
    """The database cannot be written to now; the same rows may go in later."""


class Refused(Exception):
    """The database will never take these rows as they are."""


class _Duplicate(Exception):
    """At least one of the events is in the ledger already."""


class LedgerWriter(ABC):
    """`batch_rows` is how many rows one transaction should have, kept so that it holds its locks for `hold_s`."""

    hold_s: ClassVar[float]
    smallest_batch: ClassVar[int] = 128
    largest_batch: ClassVar[int]

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self.batch_rows = 512

    async def write(self, rows: Sequence[Row], charges: Charges = NONE) -> int:
        """Puts in those that are not there yet and moves the totals and budgets for them, in one transaction.

        Returns how many were put in. Raises Unreachable, or Refused when a row does not fit its table.
        """
        fresh = rows
        for _ in range(_RACES):
            if not fresh:
                return 0
            try:
                held_s = await self._insert(fresh, totals_of(fresh), sums_of(fresh, charges))
            except _Duplicate as error:
                known = await self.existing([row[0] for row in rows])
                remaining = [row for row in rows if row[0] not in known]
                if len(remaining) == len(fresh):
                    raise Refused(str(error)) from error
                fresh = remaining
                continue
            self._adapt(len(fresh), held_s)
            return len(fresh)
        raise Unreachable("another process keeps writing the same events")

    def _adapt(self, rows: int, held_s: float) -> None:
        """Moves the batch's size towards what takes `hold_s`; small batches say little and are not listened to."""
        if rows * 2 < self.batch_rows and held_s < self.hold_s:
            return
        aim = rows * self.hold_s / max(held_s, 0.001)
        step = (self.batch_rows + min(aim, self.batch_rows * 2)) / 2
        self.batch_rows = int(min(max(step, self.smallest_batch), self.largest_batch))

    async def write_decisions(self, records: Sequence[GuardRecord]) -> None:
        """What guards decided, each once. Raises Unreachable."""
        try:
            await insert_decisions(self._engine, records)
        except (DBAPIError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    async def write_refusals(self, source: str, records: Sequence[RefusalRecord]) -> None:
        """Whom a relay turned away, each once. Raises Unreachable."""
        try:
            await insert_refusals(self._engine, source, records)
        except (DBAPIError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    async def forget_refusals(self, source: str) -> None:
        """Of a relay whose journal is gone. Raises Unreachable."""
        try:
            await forget_mark(self._engine, source)
        except (DBAPIError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    @abstractmethod
    async def existing(self, event_ids: Sequence[bytes]) -> set[bytes]:
        """Those that have a row. Raises Unreachable."""

    @abstractmethod
    async def holders(self, home: str) -> list[str]:
        """Who of this home was lent money of budgets. Raises Unreachable."""

    @abstractmethod
    async def take_back(self, holder: str) -> None:
        """All that was lent to a holder who is no more. Raises Unreachable."""

    @abstractmethod
    async def _insert(self, rows: Sequence[Row], totals: Sequence[Row], money: Sums) -> float:
        """All or nothing; returns the seconds that its locks were held. Raises _Duplicate, Refused, Unreachable."""

    async def close(self) -> None:
        await self._engine.dispose()


def open_writer(settings: Settings, turnstile: Turnstile | None = None) -> LedgerWriter:
    """A writer with a connection of its own, for the event loop that it is used in. Nothing is connected yet."""
    _, engine = open_engines(settings)
    if is_sqlite(settings):
        return SqliteWriter(engine, turnstile or Turnstile())
    return PostgresWriter(engine)


# ---- SQLite

# The statements are made of our own columns' names and nothing else.
_INSERT = f"INSERT INTO ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - our own columns' names
_TOTALS = f"INSERT INTO ledger_totals ({', '.join(TOTAL_COLUMNS)})"
_CHANGES = ", ".join(f"{name} = ledger_totals.{name} + excluded.{name}" for name in TOTAL_SUMS)
_ADDED = f"ON CONFLICT ({', '.join(TOTAL_KEYS)}) DO UPDATE SET key_name = excluded.key_name, {_CHANGES}"
_ADD_TOTAL = f"{_TOTALS} VALUES ({', '.join('?' * len(TOTAL_COLUMNS))}) {_ADDED}"
_WAIT = "INSERT INTO audit_waiting (id, refusal) VALUES (?, ?)"
_SPEND = """INSERT INTO budget_counters (budget_id, start_ms, spent_nanousd, changed_at_ms) VALUES (?, ?, ?, ?)
ON CONFLICT (budget_id, start_ms) DO UPDATE SET spent_nanousd = budget_counters.spent_nanousd + excluded.spent_nanousd,
changed_at_ms = excluded.changed_at_ms"""
_SETTLE = """UPDATE budget_slices SET settled_nanousd = settled_nanousd + ?
WHERE budget_id = ? AND start_ms = ? AND holder = ?"""
_HOLDERS = "SELECT DISTINCT holder FROM budget_slices WHERE home = ?"
_TAKE_BACK = "DELETE FROM budget_slices WHERE holder = ?"
_KNOWN = "SELECT event_id FROM ledger WHERE event_id IN ({})"
_SQLITE_VARIABLES = 500
_CHECKPOINT_ROWS = 16384
_CHECKPOINT_S = 30.0


class SqliteWriter(LedgerWriter):
    """Holds SQLite's one write lock for about `hold_s` at a time, and lets waiting writers of this process go first.

    Every commit is forced to disk (`synchronous = FULL`, where control's other connections use NORMAL), because the
    journal that it came from is deleted after it. The write-ahead log is folded back by us, outside of the lock.
    """

    hold_s: ClassVar[float] = 0.04
    largest_batch: ClassVar[int] = 4096

    def __init__(self, engine: AsyncEngine, turnstile: Turnstile) -> None:
        super().__init__(engine)
        self._turnstile = turnstile
        self._rows_since = 0
        self._checkpoint_at = time.monotonic()

        @event.listens_for(engine.sync_engine, "connect")
        def _connect(connection: Any, _: object) -> None:
            cursor = connection.cursor()
            for pragma in ("synchronous = FULL", "wal_autocheckpoint = 0", "cache_size = -32768"):
                cursor.execute(f"PRAGMA {pragma}")
            cursor.close()

    async def existing(self, event_ids: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        try:
            async with self._engine.connect() as pooled:
                raw = await _aiosqlite(pooled)
                for start in range(0, len(event_ids), _SQLITE_VARIABLES):
                    part = event_ids[start : start + _SQLITE_VARIABLES]
                    query = _KNOWN.format(", ".join("?" * len(part)))
                    found.update(row[0] for row in await raw.execute_fetchall(query, part))
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise Unreachable(_words(error)) from error
        return found

    async def holders(self, home: str) -> list[str]:
        try:
            async with self._engine.connect() as pooled:
                return [row[0] for row in await (await _aiosqlite(pooled)).execute_fetchall(_HOLDERS, (home,))]
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise Unreachable(_words(error)) from error

    async def take_back(self, holder: str) -> None:
        try:
            async with self._engine.connect() as pooled:
                raw = await _aiosqlite(pooled)
                await raw.execute_fetchall(_TAKE_BACK, (holder,))
                await raw.commit()
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            raise Unreachable(_words(error)) from error

    async def _insert(self, rows: Sequence[Row], totals: Sequence[Row], money: Sums) -> float:
        await self._turnstile.let_pass()
        try:
            async with self._engine.connect() as pooled:
                raw = await _aiosqlite(pooled)
                await raw.execute_fetchall("BEGIN IMMEDIATE")
                began = time.monotonic()
                try:
                    await _many(raw, _INSERT, rows)
                    await _many(raw, _ADD_TOTAL, totals)
                    await _many(raw, _WAIT, waiting_rows(rows))
                    if money.counters:
                        await _many(raw, _SPEND, money.counters)
                        await _many(raw, _SETTLE, money.slices)
                    await raw.commit()
                except BaseException:
                    await raw.rollback()
                    raise
                held_s = time.monotonic() - began
                await self._fold_back(raw, len(rows))
        except sqlite3.IntegrityError as error:
            raise _Duplicate(_words(error)) from error
        except (sqlite3.OperationalError, SQLAlchemyError, OSError) as error:
            raise Unreachable(_words(error)) from error
        except (sqlite3.Error, ValueError, OverflowError, TypeError) as error:
            raise Refused(_words(error)) from error
        return held_s

    async def _fold_back(self, raw: aiosqlite.Connection, rows: int) -> None:
        self._rows_since += rows
        if self._rows_since >= _CHECKPOINT_ROWS or time.monotonic() - self._checkpoint_at > _CHECKPOINT_S:
            await raw.execute_fetchall("PRAGMA wal_checkpoint(PASSIVE)")
            self._rows_since = 0
            self._checkpoint_at = time.monotonic()


async def _aiosqlite(pooled: Any) -> aiosqlite.Connection:
    return (await pooled.get_raw_connection()).driver_connection


async def _many(raw: aiosqlite.Connection, statement: str, rows: Iterable[Row]) -> None:
    await (await raw.executemany(statement, rows)).close()


# ---- PostgreSQL

_ARRAYS = ", ".join(
    f"${place}::{'bigint' if name in TOTAL_SUMS else 'text'}[]" for place, name in enumerate(TOTAL_COLUMNS, 1)
)
_ADD_TOTALS = f"{_TOTALS} SELECT * FROM unnest({_ARRAYS}) {_ADDED}"  # noqa: S608 - our own columns' names

_SPEND_ARRAYS = """INSERT INTO budget_counters (budget_id, start_ms, spent_nanousd, changed_at_ms)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[])
ON CONFLICT (budget_id, start_ms) DO UPDATE SET spent_nanousd = budget_counters.spent_nanousd + excluded.spent_nanousd,
changed_at_ms = excluded.changed_at_ms"""
_SETTLE_ARRAYS = """UPDATE budget_slices AS held SET settled_nanousd = held.settled_nanousd + made.amount
FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[]) AS made (amount, budget_id, start_ms, holder)
WHERE held.budget_id = made.budget_id AND held.start_ms = made.start_ms AND held.holder = made.holder"""


_WAIT_POSTGRES = "INSERT INTO audit_waiting (id, refusal) VALUES ($1, $2)"


class PostgresWriter(LedgerWriter):
    """COPY straight into the table: the fastest way in, and it fails as a whole when one event is there already."""

    hold_s: ClassVar[float] = 0.2
    largest_batch: ClassVar[int] = 16384

    async def existing(self, event_ids: Sequence[bytes]) -> set[bytes]:
        query = "SELECT event_id FROM ledger WHERE event_id = ANY($1::bytea[])"
        try:
            async with self._engine.connect() as pooled:
                return {row[0] for row in await (await _asyncpg(pooled)).fetch(query, event_ids)}
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    async def holders(self, home: str) -> list[str]:
        try:
            async with self._engine.connect() as pooled:
                found = await (await _asyncpg(pooled)).fetch(_HOLDERS.replace("?", "$1"), home)
                return [row[0] for row in found]
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    async def take_back(self, holder: str) -> None:
        try:
            async with self._engine.connect() as pooled:
                await (await _asyncpg(pooled)).execute(_TAKE_BACK.replace("?", "$1"), holder)
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error

    async def _insert(self, rows: Sequence[Row], totals: Sequence[Row], money: Sums) -> float:
        try:
            async with self._engine.connect() as pooled:
                raw = await _asyncpg(pooled)
                began = time.monotonic()
                async with raw.transaction():
                    await raw.copy_records_to_table("ledger", records=rows, columns=COLUMNS)
                    await raw.execute(_ADD_TOTALS, *map(list, zip(*totals, strict=True)))
                    if waiting := waiting_rows(rows):
                        await raw.executemany(_WAIT_POSTGRES, waiting)
                    if money.counters:
                        await raw.execute(_SPEND_ARRAYS, *map(list, zip(*money.counters, strict=True)))
                        await raw.execute(_SETTLE_ARRAYS, *map(list, zip(*money.slices, strict=True)))
                return time.monotonic() - began
        except asyncpg.UniqueViolationError as error:
            raise _Duplicate(_words(error)) from error
        except (
            asyncpg.DataError,
            asyncpg.IntegrityConstraintViolationError,
            asyncpg.ProgramLimitExceededError,
            ValueError,
            OverflowError,
            TypeError,
        ) as error:
            raise Refused(_words(error)) from error
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            raise Unreachable(_words(error)) from error


async def _asyncpg(pooled: Any) -> asyncpg.Connection:
    return (await pooled.get_raw_connection()).driver_connection


def _words(error: BaseException) -> str:
    """The first line of an error: statements and values, which may follow, are not for a log."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:200]
