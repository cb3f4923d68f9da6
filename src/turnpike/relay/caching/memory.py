"""Kept answers in a relay's memory: bounded by bytes, the least recently used goes first."""

from collections import OrderedDict
from collections.abc import Callable

from turnpike.contract.caching import KeptAnswer

_BESIDE_BYTES = 600
"""What an entry weighs beside its body."""


class Memory:
    __slots__ = ("_entries", "_limit_bytes", "size_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._entries: OrderedDict[bytes, KeptAnswer] = OrderedDict()
        self._limit_bytes = limit_bytes
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: bytes, now_ms: int) -> KeptAnswer | None:
        kept = self._entries.get(key)
        if kept is None:
            return None
        if kept.expires_at_ms <= now_ms:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return kept

    def put(self, key: bytes, kept: KeptAnswer) -> None:
        self._drop(key)
        size = _size(kept)
        if size > self._limit_bytes:
            return
        self._entries[key] = kept
        self.size_bytes += size
        while self.size_bytes > self._limit_bytes:
            self._drop(next(iter(self._entries)))

    def drop_where(self, is_gone: Callable[[KeptAnswer], bool]) -> None:
        for key in [key for key, kept in self._entries.items() if is_gone(kept)]:
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self.size_bytes -= _size(kept)


def _size(kept: KeptAnswer) -> int:
    return len(kept.body) + _BESIDE_BYTES
