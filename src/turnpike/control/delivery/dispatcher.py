"""Hands events out: gives each its number and makes a delivery for each receiver, in one transaction."""

import asyncio
from collections.abc import Callable

from turnpike.control.background import Background, Outage, woken
from turnpike.control.db.database import Database
from turnpike.control.db.models import Delivery
from turnpike.control.delivery import store
from turnpike.control.delivery.fanout import receivers

POLL_S = 0.5
"""For events of other processes; those of this one wake it at once."""
AT_ONCE = 200


class Dispatcher(Background):
    """A runner of control's; any number of processes may do this."""

    task_name = "events"

    def __init__(self, database: Database, *after: Callable[[], None]) -> None:
        self._database = database
        self._after = after
        """Woken when something was handed out."""
        self._wake = asyncio.Event()
        database.on_event(self._wake.set)

    async def _run(self) -> None:
        outage = Outage("events_put_off")
        while True:
            await woken(self._wake, POLL_S)
            with outage.borne():
                while await self.hand_out() == AT_ONCE:
                    pass

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
