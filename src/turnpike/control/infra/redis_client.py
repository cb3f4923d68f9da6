"""A client of the Redis that an address names: one server, or a cluster of them.

`redis://`, `rediss://` and `unix://` are one server; `redis+cluster://host:port` and `rediss+cluster://host:port` name
any node of a cluster, of which the client finds the others by itself. Nothing is connected before it is used.
"""

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisClusterException, RedisError

CLUSTER = "+cluster://"
FAILURES = (RedisError, RedisClusterException, OSError, TimeoutError)
"""What a client raises when Redis does not answer, or not as it should."""
Client = Redis | RedisCluster
"""Every command and script of ours touches one key, or keys of one slot, so that both can be used alike."""


def open_client(address: str, *, connect_s: float, answer_s: float) -> Client:
    """Raises ValueError for an address that is none."""
    if CLUSTER in address:
        plain = address.replace(CLUSTER, "://", 1)
        # A node that does not answer is asked again once, not ten times: who asks does not wait that long.
        return RedisCluster.from_url(
            plain,
            socket_connect_timeout=connect_s,
            socket_timeout=answer_s,
            retry=Retry(ExponentialBackoff(), 1),
            require_full_coverage=False,
        )
    return Redis.from_url(address, socket_connect_timeout=connect_s, socket_timeout=answer_s)
