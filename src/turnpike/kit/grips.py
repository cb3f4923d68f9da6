"""Who still holds what is kept under a key: a holder has a grip on it, and lets go of it by going away.

A grip stands in for the thing itself, which may be a compiled object: those cannot be referred to weakly
(docs/adr/0013).
"""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Generic, TypeVar
from weakref import ReferenceType

K = TypeVar("K", bound=Hashable)


class Grip:
    __slots__ = ("__weakref__",)


class Grips(Generic[K]):
    """Not safe for two threads."""

    def __init__(self) -> None:
        self._held: dict[K, ReferenceType[Grip]] = {}
        self._loose: set[K] = set()

    def watch(self, key: K) -> None:
        """Something is kept under this key from now on; nobody holds it yet."""
        self._loose.add(key)

    def on(self, key: K) -> Grip:
        """The same one for all who hold at a time."""
        reference = self._held.get(key)
        grip = reference() if reference is not None else None
        if grip is None:
            grip = Grip()
            self._held[key] = ReferenceType(grip, partial(self._gone, key))
            self._loose.discard(key)
        return grip

    def let_go(self, rests: Callable[[K], bool]) -> list[K]:
        """The keys that nobody holds and that `rests` agrees to: told once. The others are asked about again."""
        # References may end while this runs, so what they add to is not what is gone through.
        loose, self._loose = self._loose, set()
        gone: list[K] = []
        for key in loose:
            if key in self._held:
                continue
            if rests(key):
                gone.append(key)
            else:
                self._loose.add(key)
        return gone

    def _gone(self, key: K, reference: ReferenceType[Grip]) -> None:
        if self._held.get(key) is reference:
            del self._held[key]
            self._loose.add(key)
