"""Kept answers in Redis: a hash for each, which expires by itself. Every command touches one key, so that a cluster may
put each wherever it likes. Room is made by Redis' own policy (`maxmemory`)."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from turnpike.control.infra.answers import Room, Shut, StoreUnreachable, Wanted
from turnpike.control.infra.redis_client import FAILURES, Client
from turnpike.kit.clock import now_ms

PREFIX = b"turnpike:answer:"
_AT_ONCE = 500


class RedisAnswers:
    def __init__(self, client: Client, clock_ms: Callable[[], int] = now_ms) -> None:
        """`client` becomes this object's own: `close` closes it. It must not decode answers."""
        self._client = client
        self._now_ms = clock_ms

    async def get(self, key: bytes) -> bytes | None:
        async with _reachable():
            sealed, expires = await self._fields(PREFIX + key.hex().encode(), "sealed", "expires")
        return sealed if sealed is not None and int(expires or 0) > self._now_ms() else None

    async def put(self, answer: Shut) -> None:
        name = PREFIX + answer.key.hex().encode()
        fields: dict[Any, Any] = {
            "sealed": answer.sealed,
            "expires": answer.expires_at_ms,
            "model": answer.model,
            "key_id": answer.key_id,
            "user_id": answer.user_id,
        }
        async with _reachable():
            pipe = self._client.pipeline(transaction=True)
            pipe.hset(name, mapping=fields)
            pipe.pexpireat(name, answer.expires_at_ms)
            await pipe.execute()

    async def clear(self, wanted: Wanted) -> int:
        gone = 0
        async with _reachable():
            async for name in self._client.scan_iter(match=PREFIX + b"*", count=_AT_ONCE):
                if await self._is_wanted(name, wanted):
                    gone += await self._client.unlink(name)
        return gone

    async def _is_wanted(self, name: bytes, wanted: Wanted) -> bool:
        if wanted == Wanted():
            return True
        found = await self._fields(name, "model", "key_id", "user_id")
        return all(
            field is None or (value is not None and value.decode() == field)
            for field, value in zip(wanted, found, strict=True)
        )

    async def _fields(self, name: bytes, *fields: str) -> list[bytes | None]:
        found: Any = await self._client.hmget(name, list(fields))  # pyright: ignore[reportGeneralTypeIssues] - typed for both kinds of client
        return found

    async def room(self) -> Room:
        count = 0
        async with _reachable():
            async for _ in self._client.scan_iter(match=PREFIX + b"*", count=_AT_ONCE):
                count += 1
        return Room(count, None)

    async def close(self) -> None:
        await self._client.aclose()


@asynccontextmanager
async def _reachable() -> AsyncIterator[None]:
    try:
        yield
    except FAILURES as error:
        raise StoreUnreachable("The Redis that keeps answers does not answer at the moment.") from error
