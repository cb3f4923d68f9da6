"""What a turn of the loop has to send, sent at its end.

A write wakes whoever waits at the other end; between two cores that costs several times what the write itself does.
Written one after the other, with nothing in between, a turn's answers and requests find most of them still awake from
the ones before: under load that is a third of a call's whole time. A call alone waits for nothing.
"""

import asyncio

_AT_MOST = 64
"""Held at a time, so that the first does not wait for long."""


class Outbox:
    """One of a relay. Whoever does anything else to a transport it may hold data for calls `flush` first."""

    __slots__ = ("_held", "_loop")

    def __init__(self) -> None:
        self._held: list[tuple[asyncio.Transport, bytes]] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        held = self._held
        if not held:
            loop = self._loop
            if loop is None:
                loop = self._loop = asyncio.get_running_loop()
            loop.call_soon(self.flush)
        held.append((transport, data))
        if len(held) >= _AT_MOST:
            self.flush()

    def flush(self) -> None:
        held = self._held
        if held:
            self._held = []
            for transport, data in held:
                try:
                    transport.write(data)
                except RuntimeError:
                    continue  # uvloop: it was closed meanwhile, and its connection knows
