"""A program ends when the one that started it does, however that died: standard input is a pipe from it, and ends."""

import asyncio
import sys


async def watch_parent(stop: asyncio.Event) -> None:
    """Sets `stop` then."""

    class Watch(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:
            stop.set()

        def eof_received(self) -> None:
            stop.set()

    await asyncio.get_running_loop().connect_read_pipe(Watch, sys.stdin)
