"""SQLite has one write lock and no queue for it: who asks again and again at once always wins. The drain lets the
other writers of its process go first."""

import asyncio
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

PATIENCE_S = 0.2
_FORGET_S = 10.0
"""After the busy timeout nobody waits any more, whatever became of the transaction."""
_LOOK_S = 0.002


class Turnstile:
    """Knows whether a transaction of `engine` waits or runs. Set in one thread and read in another."""

    def __init__(self) -> None:
        self._wanted_at: float | None = None

    def watch(self, engine: AsyncEngine) -> None:
        """For an engine with a single connection, such as control's writers on SQLite."""

        # First of all listeners: the one that sends BEGIN IMMEDIATE is the one that waits.
        @event.listens_for(engine.sync_engine, "begin", insert=True)
        def _begin(_: Any) -> None:
            self._wanted_at = time.monotonic()

        @event.listens_for(engine.sync_engine, "commit")
        def _commit(_: Any) -> None:
            self._wanted_at = None

        @event.listens_for(engine.sync_engine, "rollback")
        def _rollback(_: Any) -> None:
            self._wanted_at = None

    @property
    def wanted(self) -> bool:
        at = self._wanted_at
        return at is not None and time.monotonic() - at < _FORGET_S

    async def let_pass(self) -> None:
        """Returns when nobody waits, or when `PATIENCE_S` are over."""
        until = time.monotonic() + PATIENCE_S
        while self.wanted and time.monotonic() < until:  # noqa: ASYNC110 - told in another thread
            await asyncio.sleep(_LOOK_S)
