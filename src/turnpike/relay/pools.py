"""Connections kept for the next request, by origin: opened when needed, bounded, swept when they are late or unused.

A pool knows no credentials: they are headers, so one connection serves every caller.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

from turnpike.contract.snapshot import ProviderSpec
from turnpike.errors import TurnpikeError, Unavailable, UpstreamUnreachable
from turnpike.relay.connect import Connector, Origin, origin_of
from turnpike.relay.outbox import Outbox
from turnpike.relay.upstream import Exchange, Source, UpstreamConnection

_P = TypeVar("_P", bound=asyncio.Protocol)


class Tick:
    """A coarse monotonic clock, moved by the relay's sweep: deadlines need no more, and a read costs nothing."""

    __slots__ = ("now",)

    def __init__(self, now: float) -> None:
        self.now = now


class Pool:
    """Connections to one origin."""

    __slots__ = (
        "_all", "_connect", "_limit", "_opening", "_tasks", "idle", "origin", "outbox", "read_timeout_s", "tick",
        "waiting",
    )  # fmt: skip

    def __init__(
        self,
        origin: Origin,
        connect: Callable[[Origin, Callable[[], UpstreamConnection]], Awaitable[UpstreamConnection]],
        *,
        tick: Tick,
        outbox: Outbox,
        limit: int,
        read_timeout_s: float,
    ) -> None:
        self.origin = origin
        self.tick = tick
        self.outbox = outbox
        self.read_timeout_s = read_timeout_s
        self._connect = connect
        self._limit = limit
        self._all: set[UpstreamConnection] = set()
        self.idle: list[UpstreamConnection] = []
        """Free ones; the last one was used last and is taken first."""
        self._opening = 0
        self.waiting: deque[tuple[Exchange, bytes, bytes | Source, float]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> int:
        return len(self._all) - len(self.idle)

    def send(
        self, exchange: Exchange, head: bytes, body: bytes | Source, timeout_s: float, *, fresh: bool = False
    ) -> None:
        """Sends on a kept connection if there is one (not if `fresh`), else on a new one, else when one is free.

        `timeout_s` runs until the answer begins.
        """
        deadline = self.tick.now + timeout_s
        if self.idle and not fresh:
            self.idle.pop().send(exchange, head, body, deadline)
            return
        self.waiting.append((exchange, head, body, deadline))
        if len(self._all) + self._opening < self._limit:
            self._open()

    def forget(self, exchange: Exchange) -> None:
        """The exchange was given up while it waited for a connection."""
        self.waiting = deque(item for item in self.waiting if item[0] is not exchange)

    def free(self, connection: UpstreamConnection) -> None:
        if self.waiting:
            connection.send(*self.waiting.popleft())
            return
        connection.idle_since = self.tick.now
        self.idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        self._all.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        if self._opening < len(self.waiting) and len(self._all) + self._opening < self._limit:
            self._open()

    def sweep(self, idle_s: float) -> None:
        """Ends what has waited too long: answers, places in the queue, unused connections."""
        now = self.tick.now
        for connection in [each for each in self._all if each.overdue(now)]:
            connection.expire()
        while self.waiting and self.waiting[0][3] < now:
            exchange = self.waiting.popleft()[0]
            exchange.on_failure(
                Unavailable(f"All {self._limit} connections to the provider are in use.", retry_after_s=1), stale=False
            )
        while self.idle and self.idle[0].idle_since + idle_s < now:
            self.idle.pop(0).abort()

    def close(self) -> None:
        for connection in list(self._all):
            connection.abort()
        self.idle.clear()

    def _open(self) -> None:
        self._opening += 1
        task = asyncio.ensure_future(self._open_one())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open_one(self) -> None:
        failure: TurnpikeError | None = None
        try:
            connection = await self._connect(self.origin, lambda: UpstreamConnection(self))
            if not connection.closed:
                self._opening -= 1
                self._all.add(connection)
                self.free(connection)
                return
            failure = UpstreamUnreachable("The provider closed the connection at once.")
        except TurnpikeError as error:
            failure = error
        self._opening -= 1
        if self.waiting:
            self.waiting.popleft()[0].on_failure(failure, stale=False)


class Pools:
    """All pools of a relay, by origin."""

    def __init__(
        self,
        connector: Connector,
        *,
        tick: Tick,
        outbox: Outbox,
        limit: int,
        read_timeout_s: float,
        idle_s: float,
    ) -> None:
        self._connector = connector
        self._tick = tick
        self._outbox = outbox
        self._limit = limit
        self._read_timeout_s = read_timeout_s
        self._idle_s = idle_s
        self._pools: dict[Origin, Pool] = {}

    def of(self, provider: ProviderSpec) -> Pool:
        """Raises ValueError for a base URL that is no http(s) address."""
        origin = origin_of(provider.base_url, provider.allow_addresses, None)
        proxy = self._connector.proxy_for(origin.host, provider.proxy)
        if proxy:
            origin = Origin(origin.scheme, origin.host, origin.port, origin.allow, proxy)
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = Pool(
                origin,
                self._connector.connect,
                tick=self._tick,
                outbox=self._outbox,
                limit=self._limit,
                read_timeout_s=self._read_timeout_s,
            )
        return pool

    async def connect(self, origin: Origin, factory: Callable[[], _P]) -> _P:
        """A connection of its own, outside of every pool. Raises AddressRefused or UpstreamUnreachable."""
        return await self._connector.connect(origin, factory)

    def sweep(self) -> None:
        for pool in self._pools.values():
            pool.sweep(self._idle_s)

    def counts(self) -> tuple[int, int]:
        """Connections in use, connections kept."""
        return sum(pool.busy for pool in self._pools.values()), sum(len(pool.idle) for pool in self._pools.values())

    def close(self) -> None:
        for pool in self._pools.values():
            pool.close()
