"""The worker, started when somebody first asks it for something: the supervisor listens for it until then, and hands
the socket over. So what nobody uses costs a socket and no process."""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from pathlib import Path

from turnpike.errors import TurnpikeError
from turnpike.supervisor.child import Child, ChildSpec

_AGAIN_AFTER_S = 30.0
"""After a start that failed."""


class OnDemand:
    """`open`, `watch`, and always `close`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self._watching = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Raises OSError."""
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.setblocking(False)
        listener.bind(str(self._path))
        self._path.chmod(0o600)
        listener.listen(64)
        self._socket = listener

    def watch(self, make: Callable[[int], ChildSpec], add: Callable[[ChildSpec], Child]) -> None:
        """`make` is told the socket's descriptor when the first one knocks, `add` starts what it made."""
        listener = self._socket
        if listener is None or self._watching:
            return
        self._watching = True
        loop = asyncio.get_running_loop()

        def knocked() -> None:
            self._stop_watching()
            child = add(make(listener.fileno()))
            self._task = asyncio.create_task(self._see_it_start(child, make, add))

        loop.add_reader(listener.fileno(), knocked)

    async def _see_it_start(
        self, child: Child, make: Callable[[int], ChildSpec], add: Callable[[ChildSpec], Child]
    ) -> None:
        """From its start on the child is kept running; one that cannot start is tried again later."""
        try:
            await child.wait_ready()
        except (TurnpikeError, asyncio.CancelledError):
            if self._socket is None:
                return
            await asyncio.sleep(_AGAIN_AFTER_S)
            self.watch(make, add)

    def _stop_watching(self) -> None:
        if self._watching and self._socket is not None:
            self._watching = False
            asyncio.get_running_loop().remove_reader(self._socket.fileno())

    def close(self) -> None:
        """Idempotent."""
        self._stop_watching()
        if self._task is not None:
            self._task.cancel()
        listener, self._socket = self._socket, None
        if listener is not None:
            listener.close()
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
