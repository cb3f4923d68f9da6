"""A cache of answers that can always be made again: bytes under a text key, for a bounded time.

Keys carry the version of what they were made from, so nothing is ever invalidated; it is only no longer asked for.
"""

from typing import Protocol

MAX_TTL_S = 300.0
"""No answer is older than five minutes, whatever its key says."""


class Cache(Protocol):
    async def get(self, key: str) -> bytes | None:
        """None when it is not there, or no longer."""
        ...

    async def put(self, key: str, value: bytes, ttl_s: float = MAX_TTL_S) -> None:
        """`ttl_s` beyond MAX_TTL_S is cut to it."""
        ...

    async def clear(self) -> None: ...

    async def close(self) -> None: ...
