"""What every truth that limits are counted in must do when it goes away, and when it comes back: say so plainly, go on
with the same ports, and lend nothing twice of what it still knows.

PostgreSQL keeps its counts when it stops. A Redis that keeps nothing on disk, as here, begins anew.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.support.control import unused_port
from tests.support.databases import PostgresServer, test_settings
from tests.support.redis import RedisCluster, RedisServer, redis_cluster, redis_server
from turnpike.control.db.database import Database
from turnpike.control.infra.leases import Errand, Leases, LeasesUnreachable, SeatErrand, Seats, Window
from turnpike.control.infra.leases.redis_store import open_redis
from turnpike.control.infra.leases.sql import SqlLeases
from turnpike.control.infra.redis_client import open_client

__all__ = ["redis_cluster", "redis_server"]

DAY_MS = 86_400_000
WINDOW = Window("key:1", "requests", DAY_MS, 100)
LARGE = Window("key:2", "tokens", DAY_MS, 1_000_000)
SEATS = Seats("user:1", 10)
CUT = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'turnpike'"
ASKERS = 12
TIMES = 8
PATIENCE_S = 30.0


@dataclass
class Away:
    """A truth that can be taken away, and two control processes' ports to it."""

    ports: list[Leases]
    stop: Callable[[], None]
    start: Callable[[], None]
    cut: Callable[[], Awaitable[Any]]
    """Ends every connection to it; returns how many there were."""
    keeps: bool
    """What was lent, while it is stopped."""


@pytest.fixture(params=[pytest.param("own_postgres", marks=pytest.mark.postgres), "redis_server", "redis_cluster"])
def server(request: pytest.FixtureRequest) -> PostgresServer | RedisServer | RedisCluster:
    return request.getfixturevalue(request.param)


@pytest.fixture
async def away(server: PostgresServer | RedisServer | RedisCluster, tmp_path: Path) -> AsyncIterator[Away]:
    async with AsyncExitStack() as stack:
        if isinstance(server, RedisServer):
            yield await _redis(server, stack)
        elif isinstance(server, RedisCluster):
            yield await _cluster(server, stack)
        else:
            yield await _postgres(server, tmp_path, stack)


async def _postgres(server: PostgresServer, folder: Path, stack: AsyncExitStack) -> Away:
    name = await asyncio.to_thread(server.create_migrated, folder)
    settings = test_settings(folder, database_url=SecretStr(server.address(name)))
    databases = [Database(settings), Database(settings)]
    for database in databases:
        stack.push_async_callback(database.close)

    def cut() -> Awaitable[Any]:
        return asyncio.to_thread(server.ask, CUT)

    return Away([SqlLeases(each) for each in databases], server.stop, server.start, cut, keeps=True)


async def _redis(server: RedisServer, stack: AsyncExitStack) -> Away:
    other = server.client()
    await other.flushall()
    ports: list[Leases] = [open_redis(f"unix://{server.socket}") for _ in range(2)]
    for close in (other.aclose, *(port.close for port in ports)):
        stack.push_async_callback(close)

    def cut() -> Awaitable[Any]:
        return other.client_kill_filter(_type="normal", skipme=True)

    return Away(ports, server.stop, server.start, cut, keeps=False)


async def _cluster(server: RedisCluster, stack: AsyncExitStack) -> Away:
    ports: list[Leases] = [open_redis(server.address) for _ in range(2)]
    for port in ports:
        stack.push_async_callback(port.close)
    flushing = open_client(server.address, connect_s=2.0, answer_s=2.0)
    await flushing.flushall()
    await flushing.aclose()
    return Away(ports, server.stop, server.start, lambda: asyncio.to_thread(server.cut), keeps=False)


async def test_a_truth_that_is_away_is_said_to_be_and_the_same_ports_go_on(away: Away) -> None:
    port, other = away.ports
    taken = await port.take(WINDOW, 60)
    assert (await other.take(WINDOW, 10)).granted == 10
    assert await port.hold(SEATS, "a", 6, DAY_MS) == 6
    await asyncio.to_thread(away.stop)
    try:
        for asked in away.ports:
            await _says_that_it_is_away(asked)
    finally:
        await asyncio.to_thread(away.start)

    assert await other.used([WINDOW]) == [70 if away.keeps else 0]
    assert await port.seated([SEATS]) == [(6 if away.keeps else 0)]
    await port.give_back(WINDOW, taken.start_ms, 20)
    lent = [await each.take(WINDOW, 75) for each in away.ports]
    assert [each.granted for each in lent] == ([50, 0] if away.keeps else [75, 25])
    assert await other.hold(SEATS, "b", 10, DAY_MS) == (4 if away.keeps else 10)


async def _says_that_it_is_away(port: Leases) -> None:
    asks: tuple[Awaitable[Any], ...] = (
        port.take(WINDOW, 1),
        port.lend([Errand(WINDOW, 1), Errand(LARGE, 1)]),
        port.give_back(WINDOW, 0, 1),
        port.used([WINDOW]),
        port.reset([WINDOW]),
        port.hold(SEATS, "b", 1, DAY_MS),
        port.sit([SeatErrand(SEATS, "b", 1, DAY_MS)]),
        port.seated([SEATS]),
    )
    for ask in asks:
        with pytest.raises(LeasesUnreachable) as caught:
            await ask
        assert caught.value.status == 503


async def test_a_holder_that_paused_while_the_truth_was_away_returns_to_what_is_left(away: Away) -> None:
    port, other = away.ports
    assert await port.hold(SEATS, "paused", 10, 300) == 10
    await asyncio.to_thread(away.stop)
    await asyncio.sleep(0.3)
    await asyncio.to_thread(away.start)

    assert await other.hold(SEATS, "b", 7, DAY_MS) == 7
    assert await port.hold(SEATS, "paused", 10, DAY_MS) == 3


class Asking:
    """Many who ask at once, of both ports, and remember what they were lent."""

    def __init__(self, ports: list[Leases]) -> None:
        self.ports = ports
        self.lent = self.answers = self.unreachable = 0
        self.over = False

    async def run(self) -> None:
        await asyncio.gather(*(self._one(self.ports[number % 2]) for number in range(ASKERS)))

    async def _one(self, port: Leases) -> None:
        while not self.over:
            try:
                (taken,) = await port.lend([Errand(LARGE, 7)])
            except LeasesUnreachable:
                self.unreachable += 1
                await asyncio.sleep(0.01)
            else:
                self.lent += taken.granted
                self.answers += 1

    async def more(self, count: int) -> None:
        """Until so many more were answered."""
        until = self.answers + count
        async with asyncio.timeout(PATIENCE_S):
            while self.answers < until:
                await asyncio.sleep(0.005)


async def test_connections_that_are_lost_while_many_ask_lend_nothing_twice(away: Away) -> None:
    """Whose answer was lost may have been lent to; nobody is lent what the truth does not know of."""
    asking = Asking(away.ports)
    running = asyncio.create_task(asking.run())
    cut = 0
    for _ in range(TIMES):
        await asking.more(ASKERS)
        cut += await away.cut()
    await asking.more(ASKERS)
    asking.over = True
    await running

    assert cut >= TIMES, "connections were there to be cut"
    (used,) = await away.ports[0].used([LARGE])
    assert asking.lent <= used <= asking.lent + 7 * cut
    assert used % 7 == 0


@pytest.mark.postgres
async def test_a_database_that_stops_while_many_ask_forgets_nothing(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        away = await _postgres(own_postgres, tmp_path, stack)
        asking = Asking(away.ports)
        running = asyncio.create_task(asking.run())
        for _ in range(2):
            await asking.more(ASKERS)
            before = asking.unreachable
            await asyncio.to_thread(away.stop)
            await asyncio.sleep(0.1)
            assert asking.unreachable > before
            await asyncio.to_thread(away.start)
        await asking.more(ASKERS)
        asking.over = True
        await running

        (used,) = await away.ports[1].used([LARGE])
        assert asking.lent <= used <= asking.lent + 7 * asking.unreachable


async def test_a_database_that_was_never_there_is_said_to_be_away(tmp_path: Path) -> None:
    address = SecretStr(f"postgresql://nobody@127.0.0.1:{unused_port()}/none")
    database = Database(test_settings(tmp_path, database_url=address))
    await _says_that_it_is_away(SqlLeases(database))
    await database.close()
