"""One server on one data folder: its lock, its sockets, its children, its start and its end."""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path

import msgspec

from turnpike import __version__
from turnpike.errors import ConfigurationError
from turnpike.kit.clock import rfc3339, utc_now
from turnpike.kit.files import FileLock, LockHeld, private_folder, process_lives, read_json, write_private
from turnpike.kit.logs import Log
from turnpike.settings import Settings
from turnpike.supervisor.child import Backoff, Child, ChildSpec, StartFailed
from turnpike.supervisor.cores import available_cores
from turnpike.supervisor.on_demand import OnDemand
from turnpike.supervisor.programs import Programs, control_spec, drain_spec, relay_specs, worker_spec
from turnpike.supervisor.sockets import Listeners

_ONE_WISH_S = 0.5
"""Who stops a whole group of processes reaches us twice, directly and by way of our parent: that is one wish."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Server:
    """`open`, `start`, `wait_ready`, then `wait_stop`, and always `close`.

    A first SIGTERM, SIGINT or SIGHUP ends `wait_stop`, and `drain` lets running requests finish; a second one ends
    everything at once.
    """

    def __init__(
        self, settings: Settings, log: Log, *, programs: Programs | None = None, backoff: Backoff | None = None
    ) -> None:
        self.settings = settings
        self.log = log
        self.programs = programs or Programs()
        self._backoff = backoff
        self._lock = FileLock(settings.lock_file)
        self._listeners: Listeners | None = None
        self._worker = OnDemand(settings.worker_socket)
        self.control: Child | None = None
        self._begins_drain: asyncio.Task[None] | None = None
        self.relays: list[Child] = []
        self.others: dict[str, Child] = {}
        self.stopping = asyncio.Event()
        self._stopped_at = 0.0
        self._killed = False

    # ---- start

    async def open(self) -> None:
        """Folders, lock and sockets: what can be refused with a clear word before any process is started.

        Raises ConfigurationError.
        """
        settings = self.settings
        private_folder(settings.data_dir.resolve())
        await self._take_lock()
        private_folder(settings.run_dir, own=not settings.run_dir.is_relative_to(settings.data_dir.resolve()))
        private_folder(settings.journal_dir)
        await self._wait_for_old_control()
        count = settings.relays or available_cores()
        self._listeners = Listeners(settings.host, settings.port, count)
        self._worker.open()

    async def _take_lock(self) -> None:
        """Waits for the children of a server that was killed; they finish their requests."""
        deadline = time.monotonic() + self.settings.drain_timeout_s + 10.0
        said = False
        while True:
            try:
                self._lock.acquire({"program": "turnpike serve", "since": rfc3339(utc_now())})
                return
            except LockHeld as held:
                if held.holder_lives or time.monotonic() > deadline:
                    raise ConfigurationError(_who_holds(held)) from held
                if not said:
                    self.log.warning("waiting for the last processes of a server that was killed")
                    said = True
            except OSError as error:
                raise ConfigurationError(f"{self._lock.path} cannot be locked: {error.strerror}") from error
            await asyncio.sleep(0.1)

    async def _wait_for_old_control(self) -> None:
        """Of a server that was killed. It may have been started early, and then it has no share in the lock."""
        pid = read_json(self._control_file).get("pid")
        deadline = time.monotonic() + self.settings.drain_timeout_s + 10.0
        while isinstance(pid, int) and process_lives(pid) and time.monotonic() < deadline:  # noqa: ASYNC110 - no child of ours: it sets no event
            await asyncio.sleep(0.05)

    @property
    def _control_file(self) -> Path:
        return self.settings.run_dir / "control.json"

    def _remember_control(self, pid: int) -> None:
        try:
            write_private(self._control_file, msgspec.json.encode({"pid": pid}).decode())
        except OSError as error:
            self.log.warning("cannot say where control is", file=str(self._control_file), error=str(error))

    def start(self) -> None:
        """Starts control and the relays side by side."""
        assert self._listeners is not None
        self._watch_signals()
        fd = self._lock.fd
        self.control = Child(
            control_spec(self.settings, self.programs, fd), self.log, self._backoff, self._remember_control
        )
        self.control.start()
        self.relays = [self._child(spec) for spec in relay_specs(self.settings, self.programs, self._listeners, fd)]
        self._begins_drain = asyncio.create_task(self._begin_drain(fd), name="begin drain")
        self._worker.watch(lambda names_fd: worker_spec(self.settings, self.programs, names_fd, fd), self.add)
        self.log.info("starting", url=self.url, relays=len(self.relays), data=str(self.settings.data_dir.resolve()))

    async def _begin_drain(self, lock_fd: int) -> None:
        """Once control has made the database what it has to be."""
        assert self.control is not None
        with contextlib.suppress(StartFailed):  # whoever waits for control hears of it
            await self.control.wait_ready()
            self.add(drain_spec(self.settings, self.programs, lock_fd))

    def add(self, spec: ChildSpec) -> Child:
        """Another child, stopped after the relays and before control. One of the same name must be removed first."""
        child = self.others[spec.name] = self._child(spec)
        return child

    async def remove(self, name: str) -> None:
        child = self.others.pop(name, None)
        if child is not None:
            await child.stop()

    def _child(self, spec: ChildSpec) -> Child:
        child = Child(spec, self.log, self._backoff)
        child.start()
        return child

    async def wait_ready(self) -> bool:
        """Until control and every relay is ready; False when a stop was asked for first.

        Raises StartFailed when one of them ends with an error instead.
        """
        assert self.control is not None
        ready = asyncio.ensure_future(asyncio.gather(*(child.wait_ready() for child in (self.control, *self.relays))))
        stop = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({ready, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                return False
            ready.result()
        finally:
            stop.cancel()
            ready.cancel()
        self._say_where()
        return True

    @property
    def port(self) -> int:
        assert self._listeners is not None
        return self._listeners.port

    @property
    def url(self) -> str:
        """The address that a person on this machine can use; `0.0.0.0` and `::` are none."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.settings.host, self.settings.host)  # noqa: S104 - compared, not listened on
        if ":" in host and not host.startswith("["):
            host = f"[{host}]"
        return f"{'https' if self.settings.tls_certificate else 'http'}://{host}:{self.port}"

    def _say_where(self) -> None:
        facts = {"pid": os.getpid(), "url": self.url, "version": __version__, "started": rfc3339(utc_now())}
        try:
            write_private(self.settings.server_file, msgspec.json.encode(facts).decode() + "\n")
        except OSError as error:
            self.log.warning("cannot say where the server is", file=str(self.settings.server_file), error=str(error))
        self.log.info("ready", url=self.url)

    # ---- end

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: a closed terminal is no reason to end
                loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: signal.Signals) -> None:
        if self.stopping.is_set():
            if time.monotonic() - self._stopped_at < _ONE_WISH_S:
                return
            self.log.warning("second signal: ending at once", signal=number.name)
            self.kill()
            return
        self._stopped_at = time.monotonic()
        self.log.info("stopping", signal=number.name, drain_timeout_s=self.settings.drain_timeout_s)
        self.stopping.set()

    async def wait_stop(self) -> None:
        await self.stopping.wait()

    async def drain(self) -> None:
        """Relays first, so that control is there for what they still settle; then the rest, the drain among it, which
        writes that down; then control."""
        began = time.monotonic()
        self._worker.close()
        if self._begins_drain is not None:
            self._begins_drain.cancel()
        if self._listeners is not None:
            self._listeners.close()  # with the relays' own, so that new callers are refused instead of kept waiting
        await asyncio.gather(*(relay.stop() for relay in self.relays))
        await asyncio.gather(*(child.stop() for child in self.others.values()))
        if self.control is not None:
            await self.control.stop()
        self.log.info("stopped", after_s=round(time.monotonic() - began, 3))

    def kill(self) -> None:
        self._killed = True
        for child in (*self.relays, *self.others.values(), *filter(None, (self.control,))):
            child.kill()

    @property
    def killed(self) -> bool:
        """Whether a second signal cut the drain short."""
        return self._killed

    def close(self) -> None:
        """Gives the sockets, the folder's lock and the signals back. Idempotent."""
        self._worker.close()
        if self._listeners is not None:
            self._listeners.close()
        if self._lock.fd >= 0:
            _remove(self.settings.server_file)
            _remove(self._control_file)
            self._lock.release()
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.remove_signal_handler(number)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # it is only a hint: the command checks whether the pid lives


def _who_holds(held: LockHeld) -> str:
    pid, program = held.holder.get("pid"), held.holder.get("program", "another program")
    who = f"{program} (pid {pid}, since {held.holder.get('since', 'unknown')})" if pid else "another program"
    if not held.holder_lives:
        return f"{held.path.parent} is still in use by processes of a server that was killed ({who}); end them first"
    return f"{held.path.parent} is in use by {who}; stop that first, or choose another folder with --data-dir"
