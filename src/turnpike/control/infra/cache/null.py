"""The cache that keeps nothing."""

from turnpike.control.infra.cache import MAX_TTL_S


class NullCache:
    async def get(self, key: str) -> bytes | None:
        return None

    async def put(self, key: str, value: bytes, ttl_s: float = MAX_TTL_S) -> None:
        return None

    async def clear(self) -> None:
        return None

    async def close(self) -> None:
        return None
