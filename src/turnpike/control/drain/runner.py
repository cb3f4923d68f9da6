"""The drain's own thread inside control, with its own event loop and database connection and a lower priority, so that
a saturated machine answers first and writes the ledger after."""

import asyncio
import contextlib
import os
import random
import sys
import threading
import time

import structlog

from turnpike.control.db.database import Database
from turnpike.control.drain.courtesy import Turnstile
from turnpike.control.drain.drain import Drain
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter, Unreachable, open_writer
from turnpike.settings import Settings

log = structlog.get_logger(__name__)

BUSY_POLL_S = 0.05
IDLE_POLL_S = 0.1
MEASURE_S = 1.0
FIRST_BACKOFF_S = 0.1
LAST_BACKOFF_S = 5.0
NICE = 15


class DrainRunner:
    """`start` before relays do, `stop` after they ended. `state` may be read from any thread."""

    def __init__(self, settings: Settings, database: Database | None = None, state: DrainState | None = None) -> None:
        """`database` is control's: on SQLite its writers are let through before the drain's."""
        self.state = state or DrainState()
        self._settings = settings
        self._turnstile = Turnstile()
        if database is not None and database.is_sqlite:
            self._turnstile.watch(database.writers)
        self._thread: threading.Thread | None = None
        self._stop_at: float | None = None
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="drain", daemon=True)
        self._thread.start()

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Drains what is there and ends; what does not fit into `timeout_s` waits on disk for the next start."""
        if self._thread is None:
            return
        self._stop_at = time.monotonic() + timeout_s
        loop, wake = self._loop, self._wake
        if loop is not None and wake is not None:
            # It may have ended by itself between the two lines.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(wake.set)
        await asyncio.to_thread(self._thread.join, timeout_s + 1)
        self._thread = None

    # ---- in the thread

    def _run(self) -> None:
        if sys.platform == "linux":
            # Only Linux gives a thread a priority of its own; threads that this one starts inherit it.
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
        self.state.running = True
        try:
            asyncio.run(self._main())
        finally:
            self.state.running = False

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        if self._stop_at is not None:
            self._wake.set()
        writer = open_writer(self._settings, self._turnstile)
        try:
            while not self._out_of_time():
                try:
                    await self._drain_until_stopped(writer)
                except Exception as error:
                    # The thread's outermost frame: a fault in one turn must not be the end of the ledger.
                    self.state.error = f"{type(error).__name__}: {error}"
                    log.exception("drain_failed")
                    await self._pause(LAST_BACKOFF_S)
                else:
                    return
        finally:
            await writer.close()

    async def _drain_until_stopped(self, writer: LedgerWriter) -> None:
        """A fault of ours begins with a new Drain, which reads everything on disk again."""
        drain = Drain(
            self._settings.journal_dir,
            writer,
            self.state,
            charge_interrupted=self._settings.charge_interrupted,
            stopping=self._out_of_time,
        )
        measured_at = 0.0
        backoff_s = FIRST_BACKOFF_S
        try:
            while True:
                last = self._stop_at is not None
                pause_s = IDLE_POLL_S
                try:
                    if await drain.turn():
                        pause_s = BUSY_POLL_S
                    backoff_s = FIRST_BACKOFF_S
                except Unreachable as error:
                    if self.state.error is None:
                        log.warning("ledger_unwritable", reason=str(error), meaning="Journals wait on disk.")
                    self.state.error = str(error)
                    pause_s = backoff_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, no secret
                    backoff_s = min(backoff_s * 2, LAST_BACKOFF_S)
                if last or time.monotonic() - measured_at > MEASURE_S:
                    drain.measure()
                    measured_at = time.monotonic()
                if self._out_of_time() or (last and self.state.error is None):
                    return
                await self._pause(pause_s)
        finally:
            drain.close()

    def _out_of_time(self) -> bool:
        return self._stop_at is not None and time.monotonic() > self._stop_at

    async def _pause(self, seconds: float) -> None:
        """Returns early when asked to stop; once stopping, a pause is a pause."""
        wake = self._wake
        if wake is None or wake.is_set():
            await asyncio.sleep(min(seconds, FIRST_BACKOFF_S))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wake.wait(), seconds)


async def drain_once(settings: Settings) -> DrainState:
    """Drains what is on disk now and returns what was done; for commands that run while no server does.

    Raises Unreachable when the database cannot be written to.
    """
    state = DrainState()
    writer = open_writer(settings)
    try:
        drain = Drain(settings.journal_dir, writer, state, charge_interrupted=settings.charge_interrupted)
        try:
            await drain.turn()
            drain.measure()
        finally:
            drain.close()
    finally:
        await writer.close()
    return state
