"""What runners of control's have in common: one task from start to stop, waits that a word ends, and one line in the
log for a database that stays away."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import structlog

from turnpike.control.db.database import UNREACHABLE

log = structlog.get_logger()


class Background(ABC):
    """A runner (turnpike.control.services) that does one thing again and again."""

    task_name: ClassVar[str]
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self.task_name)

    async def stop(self) -> None:
        await self._end()

    async def _end(self, *others: asyncio.Task[None]) -> None:
        """Gives up its own task and `others` that it has begun, and waits until they are over."""
        tasks = [*others, *([self._task] if self._task is not None else [])]
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    @abstractmethod
    async def _run(self) -> None:
        """Goes on until it is cancelled."""


async def woken(wake: asyncio.Event, at_most_s: float) -> None:
    """Returns at a word, or when the time is over; a word is taken once."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(at_most_s):
            await wake.wait()
    wake.clear()


class Outage:
    """A database that cannot be reached: `event` is logged when that begins, and not again while it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._lasts = False

    @contextlib.contextmanager
    def borne(self) -> Iterator[None]:
        """Around work that is put off then."""
        try:
            yield
            self._lasts = False
        except UNREACHABLE as error:
            if not self._lasts:
                log.warning(self._event, error_type=type(error).__name__)
            self._lasts = True
