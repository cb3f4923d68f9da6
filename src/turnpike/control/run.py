"""Control as a process: what is started in which order, and ended in the reverse.

Relays wait for the contract socket and its snapshot, so these come first; the web framework is loaded behind them.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import structlog

from turnpike.contract.processes import READY_LINE
from turnpike.control.assembly import assemble
from turnpike.control.boot import Prepared, prepare, prepare_folders, prepare_secrets
from turnpike.control.contract_server import ContractServer
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.health import OK
from turnpike.control.infra.secrets import Keyring
from turnpike.control.services import ControlServices
from turnpike.errors import ConfigurationError, Unavailable
from turnpike.kit.parent import watch_parent
from turnpike.settings import Settings

FIRST_TRY_S = 10.0
FIRST_START_S = 60.0
"""Where there is nothing on disk to go on from: the database may have all its tables to make."""
log = structlog.get_logger()


class Control:
    """`start`, then `serve_until` told to stop, then `stop`."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.services: ControlServices | None = None
        self._contract: ContractServer | None = None
        self._servers: list[Any] = []
        self._serving: list[asyncio.Task[None]] = []
        self._api_ready = False
        self.ended = asyncio.Event()
        """Set when a server, or what follows the database, ended that nobody stopped: a new process does better."""

    async def start(self) -> None:
        """Raises ConfigurationError, or Unavailable when there is neither a database nor a last good state."""
        prepare_folders(self.settings)
        keyring = prepare_secrets(self.settings)
        services = self.services = assemble(self.settings, keyring)
        # Relays ask how control is as soon as they have their snapshot, and that is before /api/v1 is there.
        services.health.register("api", lambda: OK if self._api_ready else "starting")
        restored = services.keeper.restore()
        await self._prepare(services, keyring, restored)
        self._contract = ContractServer(
            self.settings.contract_socket,
            services.keeper,
            services.metrics,
            services.health.report,
            objects=services.objects,
            answers=services.answers,
            callers=services.signin.callers,
            money=services.money,
            lender=services.lender,
            provider_health=services.provider_health,
        )
        services.limits_reset = self._contract.limits_reset
        services.keeper.when_dead = self.ended.set
        await services.keeper.start()
        await self._contract.start()
        await self._serve_http(services)
        for runner in services.runners:
            await runner.start()

    async def _prepare(self, services: ControlServices, keyring: Keyring, restored: bool) -> None:
        try:
            async with asyncio.timeout(FIRST_TRY_S if restored else FIRST_START_S):
                _tell(self.settings, await prepare(self.settings, keyring))
        except UNREACHABLE as error:
            if not restored:
                raise Unavailable(
                    f"The database cannot be reached ({str(error) or type(error).__name__}), and there is no last good "
                    "state on disk to start from."
                ) from error
            log.error("database_unreachable_at_start", error_type=type(error).__name__)

            async def prepare_later() -> None:
                _tell(self.settings, await prepare(self.settings, keyring))

            services.keeper.before_first_contact = prepare_later

    async def _serve_http(self, services: ControlServices) -> None:
        # Off the loop: relays are served while half a second of modules is read.
        wiring = await asyncio.to_thread(import_module, "turnpike.control.wiring")
        forward, admin = wiring.build(services)
        for path, app in ((self.settings.forward_socket, forward), (self.settings.admin_socket, admin)):
            server = wiring.make_server(self.settings, app)
            self._servers.append(server)
            self._serving.append(asyncio.create_task(self._serve(server, listening_socket(path)), name=path.name))
        while not all(server.started for server in self._servers):
            if any(task.done() for task in self._serving):
                raise ConfigurationError("control's HTTP servers did not start; the log says why")
            await asyncio.sleep(0.005)
        self._api_ready = True

    async def _serve(self, server: Any, listening: socket.socket) -> None:
        try:
            await server.serve(sockets=[listening])
        finally:
            self.ended.set()

    async def stop(self) -> None:
        """First no new requests, then the background work, then what relays need, then the database."""
        if self.services is not None:
            self.services.streams.close()  # else their callers would be waited for
        for server in self._servers:
            server.should_exit = True
        for task in self._serving:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self.services is None:
            return
        for runner in reversed(self.services.runners):
            await runner.stop()
        if self._contract is not None:
            await self._contract.stop()
        await self.services.keeper.stop()
        await self.services.lender.close()
        await self.services.cache.close()
        await self.services.answers.close()
        await self.services.database.close()
        for path in (self.settings.forward_socket, self.settings.admin_socket):
            path.unlink(missing_ok=True)


def listening_socket(path: Path) -> socket.socket:
    """A unix socket for its owner alone."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(path))
    path.chmod(0o600)
    listening.listen(1024)
    listening.setblocking(False)
    return listening


def _tell(settings: Settings, prepared: Prepared) -> None:
    if prepared.found_revision != prepared.revision:
        log.info("database_migrated", found=prepared.found_revision, now=prepared.revision)
    if prepared.first_key is not None:
        log.info("first_key_made", file=str(settings.first_key_file))


async def run(settings: Settings) -> int:
    """Serves until standard input ends or SIGTERM comes. Returns the exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await watch_parent(stop)
    control = Control(settings)
    try:
        await control.start()
    except (ConfigurationError, Unavailable) as error:
        log.error("control_cannot_start", reason=error.message)
        await control.stop()
        return 1
    sys.stdout.write(READY_LINE + "\n")
    sys.stdout.flush()
    log.info("control_serves", pid=os.getpid())
    waits = [asyncio.create_task(stop.wait()), asyncio.create_task(control.ended.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    failed = control.ended.is_set() and not stop.is_set()
    await control.stop()
    log.info("control_ended")
    return 1 if failed else 0
