"""SQLite has one write lock and no queue for it: who asks again and again at once always wins. The drain lets control's
writers go first."""

import asyncio
import mmap
import struct
import time
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

PATIENCE_S = 0.2
_FORGET_S = 10.0
"""After the busy timeout nobody waits any more, whatever became of the transaction."""
_LOOK_S = 0.002


_WANTED_AT = struct.Struct("=d")


class Turnstile:
    """Knows whether a transaction of `engine` waits or runs. Set in one process and read in another.

    A reading in the middle of a change is possible, and costs a moment's patience.
    """

    def __init__(self, memory: mmap.mmap | None = None) -> None:
        """`memory` is shared by both; its first eight bytes are ours: since when on the monotonic clock, 0 for not."""
        self._memory = mmap.mmap(-1, _WANTED_AT.size) if memory is None else memory

    def _set(self, at: float) -> None:
        _WANTED_AT.pack_into(self._memory, 0, at)

    def watch(self, engine: AsyncEngine) -> None:
        """For an engine with a single connection, such as control's writers on SQLite."""

        # First of all listeners: the one that sends BEGIN IMMEDIATE is the one that waits.
        @event.listens_for(engine.sync_engine, "begin", insert=True)
        def _begin(_: Any) -> None:
            self._set(time.monotonic())

        @event.listens_for(engine.sync_engine, "commit")
        def _commit(_: Any) -> None:
            self._set(0.0)

        @event.listens_for(engine.sync_engine, "rollback")
        def _rollback(_: Any) -> None:
            self._set(0.0)

    @property
    def wanted(self) -> bool:
        (at,) = _WANTED_AT.unpack_from(self._memory, 0)
        return 0 <= time.monotonic() - at < _FORGET_S

    async def let_pass(self) -> None:
        """Returns when nobody waits, or when `PATIENCE_S` are over."""
        until = time.monotonic() + PATIENCE_S
        while self.wanted and time.monotonic() < until:  # noqa: ASYNC110 - told in another process
            await asyncio.sleep(_LOOK_S)
