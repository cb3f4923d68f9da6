"""Word of counters that were reset, to the relays of all machines.

Who resets writes down which counters; every control process looks four times a second and tells its own relays, which
forget what they hold of them. On SQLite there is one control process, which tells its relays itself.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import structlog
from sqlalchemy import delete, select

from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import LimitReset
from turnpike.kit.clock import now_ms

EVERY_S = 0.25
_FIRST_LOOK_MS = 10_000
"""What a process that has just begun may have missed."""
_KEPT_MS = 600_000
"""Longer than clocks of machines that share a database are apart."""
Keys = tuple[tuple[str, str, int], ...]
"""Scope, resource and length in milliseconds of each counter."""

log = structlog.get_logger()


async def announce(database: Database, keys: Sequence[tuple[str, str, int]]) -> None:
    """For the other control processes on this database, where there may be some."""
    if database.is_sqlite or not keys:
        return
    now = now_ms()
    async with database.write() as session:
        await session.execute(delete(LimitReset).where(LimitReset.at_ms < now - _KEPT_MS))
        session.add(LimitReset(at_ms=now, counters=[list(key) for key in keys]))


class ResetWatch:
    """A runner of control's. `tell` reaches every relay of this machine."""

    def __init__(self, database: Database, tell: Callable[[Keys], None]) -> None:
        self._database = database
        self._tell = tell
        self._began_ms = now_ms()
        self._seen: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        if not self._database.is_sqlite:
            self._task = asyncio.create_task(self._run(), name="limit resets")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        away = False
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self.look()
                away = False
            except UNREACHABLE as error:
                if not away:
                    log.warning("limit_resets_not_looked_for", error_type=type(error).__name__)
                away = True

    async def look(self) -> None:
        """Tells what was not told before. A row is known by its id: machines' clocks differ."""
        async with self._database.read() as session:
            rows = (await session.execute(select(LimitReset.id, LimitReset.at_ms, LimitReset.counters))).all()
        for row in rows:
            if row.id not in self._seen and row.at_ms >= self._began_ms - _FIRST_LOOK_MS:
                self._tell(tuple((scope, resource, length_ms) for scope, resource, length_ms in row.counters))
        self._seen = {row.id for row in rows}
