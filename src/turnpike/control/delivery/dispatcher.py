"""Hands events out: gives each its number and makes a delivery for each receiver, in one transaction."""

import asyncio
import contextlib
from collections.abc import Callable

import structlog

from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import Delivery
from turnpike.control.delivery import store
from turnpike.control.delivery.fanout import receivers

POLL_S = 0.5
"""For events of other processes; those of this one wake it at once."""
AT_ONCE = 200
log = structlog.get_logger()


class Dispatcher:
    """A runner of control's; any number of processes may do this."""

    def __init__(self, database: Database, *after: Callable[[], None]) -> None:
        self._database = database
        self._after = after
        """Woken when something was handed out."""
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        database.on_event(self._wake.set)

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="events")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        away = False
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                while await self.hand_out() == AT_ONCE:
                    pass
                away = False
            except UNREACHABLE as error:
                if not away:
                    log.warning("events_put_off", error_type=type(error).__name__)
                away = True

    async def hand_out(self) -> int:
        """Returns how many events it were."""
        async with self._database.read() as session:
            if not await store.any_waiting(session):
                return 0
        async with self._database.write() as session:
            rows = await store.waiting(session, AT_ONCE)
            if not rows:
                return 0
            endpoints, targets = await store.endpoints(session), await store.targets(session)
            silences = await store.silences(session)
            for row in rows:
                for channel, receiver_id in receivers(row, endpoints, targets, silences):
                    session.add(Delivery(event_id=row.id, channel=channel, receiver_id=receiver_id))
            await store.number(session, rows)
        for wake in self._after:
            wake()
        return len(rows)
