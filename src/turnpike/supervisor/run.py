"""A server's life from first to last, as one coroutine."""

import asyncio
from collections.abc import Awaitable, Callable

from turnpike.errors import TurnpikeError
from turnpike.supervisor.server import Server


async def run(
    server: Server,
    *,
    when_started: Callable[[Server], None] | None = None,
    when_ready: Callable[[Server], Awaitable[None]] | None = None,
) -> int:
    """Runs until a signal comes; returns the exit code: 0, or 130 when a second signal cut the drain short.

    `when_started` is called while the programs are starting: what takes a moment costs nothing there. `when_ready`
    runs beside the server, once everything serves, and is cancelled when the server stops. Raises ConfigurationError
    and StartFailed, after whatever was started has ended.
    """
    task: asyncio.Task[None] | None = None
    try:
        await server.open()
        server.start()
        try:
            if when_started is not None:
                when_started(server)
            if await server.wait_ready() and when_ready is not None:
                task = asyncio.create_task(_beside(server, when_ready))
            await server.wait_stop()
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait({task})
            await server.drain()
    finally:
        server.close()
    return 130 if server.killed else 0


async def _beside(server: Server, when_ready: Callable[[Server], Awaitable[None]]) -> None:
    """What happens after the start is a convenience: a fault in it is told, and the server goes on serving."""
    try:
        await when_ready(server)
    except (TurnpikeError, OSError) as error:
        server.log.warning("the first steps failed; the server goes on", error=str(error))
