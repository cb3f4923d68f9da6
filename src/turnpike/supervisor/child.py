"""One child process that is kept running: started, watched, restarted, stopped."""

import asyncio
import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from turnpike.contract.processes import READY_LINE
from turnpike.errors import TurnpikeError
from turnpike.kit.logs import Log
from turnpike.supervisor import early
from turnpike.supervisor.process import Process

CANNOT_START = 127


@dataclass(frozen=True)
class ChildSpec:
    """What to run. `settings_line` goes to its standard input and holds secrets: it is in no repr."""

    name: str
    argv: tuple[str, ...]
    settings_line: str = field(default="{}", repr=False)
    pass_fds: tuple[int, ...] = ()
    stop_timeout_s: float = 10.0
    """From SIGTERM to SIGKILL."""


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next start: nothing after the first death, then longer each time, up to `cap_s`,
    each time shortened by chance so that children which died together do not start together."""

    base_s: float = 0.25
    cap_s: float = 30.0
    stable_after_s: float = 10.0
    """A child that lived this long begins again without a wait."""

    def delay_s(self, deaths: int) -> float:
        """`deaths`: how often it died since it was last stable, from 1."""
        if deaths <= 1:
            return 0.0
        return min(self.cap_s, self.base_s * 2 ** min(deaths - 2, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, no secret


class StartFailed(TurnpikeError):
    """A child ended with an error of its own before it was ever ready: another start would end the same way."""

    code = "START_FAILED"


class Child:
    """Keeps one process running from `start` until `stop`."""

    def __init__(
        self,
        spec: ChildSpec,
        log: Log,
        backoff: Backoff | None = None,
        on_start: Callable[[int], None] | None = None,
    ) -> None:
        """`on_start` is called with the pid of each process that is started."""
        self.spec = spec
        self._on_start = on_start
        self.starts = 0
        self.pid: int | None = None
        self._log = log
        self._backoff = backoff or Backoff()
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._first_ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_ready = asyncio.Event()
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=self.spec.name)

    async def wait_ready(self) -> None:
        """Until it is ready for the first time. Raises StartFailed."""
        await asyncio.shield(self._first_ready)

    async def wait_ready_again(self) -> None:
        """Until it is ready now, be it after a restart."""
        await self._is_ready.wait()

    @property
    def ready(self) -> bool:
        return self._is_ready.is_set()

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after the child's time; returns when it is gone. Idempotent."""
        self._stopping = True
        task, process = self._task, self._process
        if task is None:
            return
        if process is not None:
            self._signal(signal.SIGTERM)
        else:
            task.cancel()  # it waits for its next start
        _, running = await asyncio.wait({task}, timeout=self.spec.stop_timeout_s)
        if running:
            self._log.warning("child did not stop in time and is killed", child=self.spec.name, child_pid=self.pid)
            self._signal(signal.SIGKILL)
            await asyncio.wait({task})

    def kill(self) -> None:
        """At once."""
        self._stopping = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.signal(number)

    async def _keep(self) -> None:
        deaths = 0
        try:
            while not self._stopping:
                began = time.monotonic()
                code = await self._run_reporting()
                self._is_ready.clear()
                if self._stopping:
                    return
                if not self._first_ready.done() and code > 0:
                    self._fail(code)
                    return
                deaths = 1 if time.monotonic() - began >= self._backoff.stable_after_s else deaths + 1
                delay_s = self._backoff.delay_s(deaths)
                self._log.warning(
                    "child died and is restarted", child=self.spec.name, exit=_exit(code), delay_s=round(delay_s, 2)
                )
                await asyncio.sleep(delay_s)
        finally:
            if not self._first_ready.done():
                self._first_ready.cancel()

    def _fail(self, code: int) -> None:
        self._log.error("child did not start", child=self.spec.name, exit=_exit(code))
        self._first_ready.set_exception(
            StartFailed(f"{self.spec.name} did not start ({_exit(code)}); the lines above say why")
        )
        self._first_ready.exception()  # it may be that nobody waits: then the log line is all there is to say

    async def _run_reporting(self) -> int:
        """As `_run_once`; a machine that has no process or descriptor left is one more way to die."""
        try:
            return await self._run_once()
        except OSError as error:
            self._log.warning("child cannot be started", child=self.spec.name, error=str(error))
            return CANNOT_START

    async def _run_once(self) -> int:
        """One life of the process. Returns its exit code, negative for a signal."""
        process = early.take(self.spec.argv) or Process(self.spec.argv, self.spec.pass_fds)
        process.tell(self.spec.settings_line)
        self._process, self.pid = process, process.pid
        self.starts += 1
        self._log.debug("child started", child=self.spec.name, child_pid=process.pid)
        if self._on_start is not None:
            self._on_start(process.pid)
        listening = asyncio.create_task(self._listen(process.stdout, process.pid, time.monotonic()))
        try:
            code = await _end_of(process)
            # What it said last may still be on its way; a grandchild may keep the pipe open for ever.
            await asyncio.wait({listening}, timeout=0.05)
            return code
        finally:
            self._signal(signal.SIGKILL)
            listening.cancel()
            process.close_stdin()
            self._process = self.pid = None

    async def _listen(self, stdout: int, pid: int, began: float) -> None:
        """Its standard output to the end: the ready line, and nothing else of interest."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        pipe = os.fdopen(stdout, "rb", buffering=0)
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        rest = b""
        try:
            while chunk := await reader.read(65536):
                *lines, rest = (rest + chunk).split(b"\n")
                rest = rest[-1000:]
                for line in lines:
                    self._hear(line.decode(errors="replace").strip(), pid, began)
        finally:
            transport.close()

    def _hear(self, line: str, pid: int, began: float) -> None:
        if line.partition(" ")[0] == READY_LINE:
            self._is_ready.set()
            if not self._first_ready.done():
                self._first_ready.set_result(None)
            after_s = round(time.monotonic() - began, 3)
            self._log.info("child ready", child=self.spec.name, child_pid=pid, after_s=after_s)
        elif line:
            self._log.info("child says", child=self.spec.name, text=line[:500])


async def _end_of(process: Process) -> int:
    """Waits in a thread of its own: the one way that every system has, and pools of threads are small."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def tell(code: int) -> None:
        if not ended.done():
            ended.set_result(code)

    def wait() -> None:
        code = process.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants to know any more
            loop.call_soon_threadsafe(tell, code)

    threading.Thread(target=wait, name=f"wait for {process.pid}", daemon=True).start()
    return await ended


def _exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
