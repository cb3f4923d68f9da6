"""The shared truths that limits are counted in, each opened as several control processes do."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle

from tests.support.redis import RedisCluster, RedisServer
from turnpike.control.db.database import Database
from turnpike.control.infra.leases import Leases
from turnpike.control.infra.leases.memory import MemoryLeases
from turnpike.control.infra.leases.redis_store import RedisLeases
from turnpike.control.infra.leases.sql import SqlLeases
from turnpike.control.infra.redis_client import Client, open_client
from turnpike.settings import Settings

MINUTE = 60_000
START = 29_000_000 * MINUTE
"""When a stepping clock begins, but for ten seconds."""
Kind = tuple[str, Settings | RedisServer | RedisCluster | None]


class SteppingClock:
    def __init__(self) -> None:
        self.ms = START + 10_000

    def __call__(self) -> int:
        return self.ms


class Truth:
    """One shared truth, and as many ports to it as there are control processes."""

    def __init__(self, clock: SteppingClock, port: Callable[[], Leases]) -> None:
        self.clock = clock
        self.port = port


async def open_ports(kind: Kind, clock: SteppingClock | None, stack: AsyncExitStack) -> Callable[[], Leases]:
    """Each call of what is returned opens another port to the same truth. `clock` None: the truth's own."""
    match kind:
        case (_, RedisServer() | RedisCluster() as server):

            def open_one() -> Client:
                if isinstance(server, RedisServer):
                    return server.client()
                return open_client(server.address, connect_s=2.0, answer_s=2.0)

            client = open_one()
            await client.flushall()
            await client.aclose()

            def connect() -> Leases:
                port = RedisLeases(open_one(), clock)
                stack.push_async_callback(port.close)
                return port

            return connect
        case (_, Settings() as settings):
            databases = [await stack.enter_async_context(opened(settings))]
            if not databases[0].is_sqlite:
                databases.append(await stack.enter_async_context(opened(settings)))
            turns = cycle(databases)
            return lambda: SqlLeases(next(turns), clock)
        case _:
            one = MemoryLeases(clock) if clock else MemoryLeases()
            return lambda: one


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Database]:
    database = Database(settings)
    try:
        yield database
    finally:
        await database.close()
