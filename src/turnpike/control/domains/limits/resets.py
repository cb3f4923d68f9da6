"""Word of counters that were reset, to the relays of all machines.

Who resets writes down which counters; every control process looks four times a second and tells its own relays, which
forget what they hold of them. On SQLite there is one control process, which tells its relays itself.
"""

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import delete, select

from turnpike.control.background import Background, Outage
from turnpike.control.db.database import Database
from turnpike.control.db.models import LimitReset
from turnpike.kit.clock import now_ms

EVERY_S = 0.25
_FIRST_LOOK_MS = 10_000
"""What a process that has just begun may have missed."""
_KEPT_MS = 600_000
"""Longer than clocks of machines that share a database are apart."""
Keys = tuple[tuple[str, str, int], ...]
"""Scope, resource and length in milliseconds of each counter."""


async def announce(database: Database, keys: Sequence[tuple[str, str, int]]) -> None:
    """For the other control processes on this database, where there may be some."""
    if database.is_sqlite or not keys:
        return
    now = now_ms()
    async with database.write() as session:
        await session.execute(delete(LimitReset).where(LimitReset.at_ms < now - _KEPT_MS))
        session.add(LimitReset(at_ms=now, counters=[list(key) for key in keys]))


class ResetWatch(Background):
    """A runner of control's. `tell` reaches every relay of this machine."""

    task_name = "limit resets"

    def __init__(self, database: Database, tell: Callable[[Keys], None]) -> None:
        self._database = database
        self._tell = tell
        self._began_ms = now_ms()
        self._seen: set[str] = set()

    async def start(self) -> None:
        if not self._database.is_sqlite:
            await super().start()

    async def _run(self) -> None:
        outage = Outage("limit_resets_not_looked_for")
        while True:
            await asyncio.sleep(EVERY_S)
            with outage.borne():
                await self.look()

    async def look(self) -> None:
        """Tells what was not told before. A row is known by its id: machines' clocks differ."""
        async with self._database.read() as session:
            rows = (await session.execute(select(LimitReset.id, LimitReset.at_ms, LimitReset.counters))).all()
        for row in rows:
            if row.id not in self._seen and row.at_ms >= self._began_ms - _FIRST_LOOK_MS:
                self._tell(tuple((scope, resource, length_ms) for scope, resource, length_ms in row.counters))
        self._seen = {row.id for row in rows}
