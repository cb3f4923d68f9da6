"""Runs the simulator on uvicorn until it is told to stop.

uvicorn cannot send what is no HTTP, so its protocol hands the connection's transport to the application as well.
"""

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from turnpike.contract.processes import READY_LINE
from turnpike.simulator.app import Simulator
from turnpike.simulator.calls import CallLog
from turnpike.simulator.performance import TRANSPORT

DEFAULT_PORT = 8089


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # pyright: ignore[reportGeneralTypeIssues] - ASGI's extensions are not all typed


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        port = (sockets or [])[0].getsockname()[1]
        sys.stdout.write(f"{READY_LINE} {port}\n")
        sys.stdout.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ends in peace on a signal. uvicorn would raise it once more at the end, and so look as if it had crashed."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM) if threading.current_thread() is threading.main_thread() else ()
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=2048)


def _end_with_parent(server: uvicorn.Server) -> None:
    """Ends the server when standard input does: a parent that dies leaves no simulator behind."""

    def wait() -> None:
        # Not through sys.stdin: its lock, held by a waiting thread, would stop the interpreter from ending.
        while os.read(0, 4096):
            pass
        server.should_exit = True

    threading.Thread(target=wait, name="parent-watch", daemon=True).start()


def run(
    host: str = "127.0.0.1",
    port: int = DEFAULT_PORT,
    api_key: str | None = None,
    call_log: Path | None = None,
    *,
    with_parent: bool = False,
) -> None:
    """Serves until SIGINT or SIGTERM (with `with_parent` also until standard input ends).

    When it serves it writes one line to standard output: `turnpike-ready PORT`. `port` 0 takes a free one. Raises
    OSError when the address is taken or the call log cannot be opened.
    """
    app = Simulator(api_key, CallLog(call_log))
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="websockets-sansio",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=120,
        timeout_graceful_shutdown=1,
    )
    # Faults end connections on purpose; what uvicorn would say about them helps nobody.
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    server = _Server(config)
    if with_parent:
        _end_with_parent(server)
    server.run(sockets=[listener])
