"""Kept answers that all relays share: sealed bytes under a digest, for a bounded time, within a bounded room.

What is stored with them in clear says for whom they were made and by which model, so that they can be cleared. A
store that cannot be reached raises StoreUnreachable, and nothing else.
"""

from typing import NamedTuple, Protocol

from turnpike.errors import Unavailable


class StoreUnreachable(Unavailable):
    pass


class Shut(NamedTuple):
    """An answer to store."""

    key: bytes
    sealed: bytes
    expires_at_ms: int
    model: str
    key_id: str
    user_id: str


class Wanted(NamedTuple):
    """What to clear: all that has every field that is not None."""

    model: str | None = None
    key_id: str | None = None
    user_id: str | None = None


class Room(NamedTuple):
    entries: int
    size_bytes: int | None
    """None: the store does not tell."""


class AnswerStore(Protocol):
    async def get(self, key: bytes) -> bytes | None:
        """None when it is not there, or its time is over."""
        ...

    async def put(self, answer: Shut) -> None:
        """In the place of one with the same key. Makes room by dropping those that were not asked for the longest."""
        ...

    async def clear(self, wanted: Wanted) -> int:
        """Returns how many went."""
        ...

    async def room(self) -> Room: ...

    async def close(self) -> None: ...
