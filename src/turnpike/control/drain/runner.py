"""The drain kept going until it is told to stop: through databases that are away, and faults of its own."""

import asyncio
import contextlib
import random
import time

import structlog

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


class DrainRunner:
    """`start` before relays do, `stop` after they ended."""

    def __init__(self, settings: Settings, turnstile: Turnstile | None = None) -> None:
        """Whom the `turnstile` says that they wait are let through first."""
        self.state = DrainState()
        self._settings = settings
        self._turnstile = turnstile
        self._task: asyncio.Task[None] | None = None
        self._stop_at: float | None = None
        self._wake = asyncio.Event()

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="drain")

    async def stop(self, timeout_s: float = 10.0) -> None:
        """Drains what is there and ends; what does not fit into `timeout_s` waits on disk for the next start."""
        task, self._task = self._task, None
        if task is None:
            return
        self._stop_at = time.monotonic() + timeout_s
        self._wake.set()
        await asyncio.wait({task}, timeout=timeout_s + 1)
        task.cancel()

    # ---- inside

    async def _run(self) -> None:
        self.state.running = True
        try:
            await self._keep_draining()
        finally:
            self.state.running = False

    async def _keep_draining(self) -> None:
        writer = open_writer(self._settings, self._turnstile)
        try:
            while not self._out_of_time():
                try:
                    await self._drain_until_stopped(writer)
                except Exception as error:
                    # A fault in one turn must not be the end of the ledger.
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
        if self._wake.is_set():
            await asyncio.sleep(min(seconds, FIRST_BACKOFF_S))
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)


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
