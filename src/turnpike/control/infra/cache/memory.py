"""The cache in this process's memory: bounded by entries and bytes, the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from turnpike.control.infra.cache import MAX_TTL_S


class MemoryCache:
    def __init__(
        self,
        *,
        max_entries: int = 2_000,
        max_bytes: int = 32 * 1024 * 1024,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._bytes = 0
        self._clock = clock

    async def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[0] <= self._clock():
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry[1]

    async def put(self, key: str, value: bytes, ttl_s: float = MAX_TTL_S) -> None:
        self._drop(key)
        if len(value) > self._max_bytes or ttl_s <= 0:
            return
        self._entries[key] = (self._clock() + min(ttl_s, MAX_TTL_S), value)
        self._bytes += len(value)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def clear(self) -> None:
        self._entries.clear()
        self._bytes = 0

    async def close(self) -> None:
        await self.clear()

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry[1])
