"""Who follows events as they happen: bounded in number, woken when there is something new.

One question to the database at a time finds out whether there is, however many follow; each then reads what it may see.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy import select

from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import EventHead
from turnpike.errors import Unavailable
from turnpike.settings import Settings

POLL_S = 0.25
"""For events that other processes hand out; those of this one wake it at once."""
READERS = 2
"""At the same time: everybody else needs the database too."""
log = structlog.get_logger()


class EventStreams:
    def __init__(self, settings: Settings, database: Database) -> None:
        self._most = settings.event_streams
        self._database = database
        self._changed = asyncio.Condition()
        self._wake = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self.reading = asyncio.Semaphore(READERS)
        self.count = 0
        self.head = 0
        """The number of the newest event."""
        self.closed = False

    def check_room(self) -> None:
        """Raises Unavailable when as many follow as may."""
        if self.closed or self.count >= self._most:
            raise Unavailable(
                f"This process serves {self._most} event streams, which is as many as it may; try again later.",
                retry_after_s=10.0,
            )

    @contextmanager
    def entered(self) -> Iterator[None]:
        """While somebody follows. Raises as `check_room`."""
        self.check_room()
        self.count += 1
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="event streams")
        try:
            yield
        finally:
            self.count -= 1
            if not self.count and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    async def newest(self) -> int:
        """Asked of the database."""
        async with self.reading, self._database.read() as session:
            found = (await session.scalars(select(EventHead.seq).where(EventHead.id == 1))).one()
        self.head = max(self.head, found)
        return found

    async def wait(self, after: int, timeout_s: float) -> None:
        """Until there is something newer, the time is over, or the end has come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self.head > after or self.closed)

    def wake(self) -> None:
        """Something was handed out by this process."""
        self._wake.set()

    def close(self) -> None:
        """Every stream ends."""
        self.closed = True
        self._wake.set()

    async def _watch(self) -> None:
        while True:
            before = self.head
            try:
                await self.newest()
            except UNREACHABLE as error:
                log.info("event_streams_wait", error_type=type(error).__name__)
            if self.head > before or self.closed:
                async with self._changed:
                    self._changed.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            self._wake.clear()
