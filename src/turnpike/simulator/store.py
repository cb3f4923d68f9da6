"""Shelves of objects, by kind: what the simulator remembers between requests."""

from typing import Any

import msgspec

CREATED_S = 1_767_225_600
KEPT_AT_MOST = 5_000
"""On one shelf; the oldest go first."""


class Object(msgspec.Struct):
    shown: dict[str, Any]
    """As the vendor's API shows it."""
    content: bytes = b""
    looks: int = 0
    """How often it was asked for by its id."""


class Shelf:
    """Objects of one kind, in the order of their making."""

    def __init__(self) -> None:
        self._kept: dict[str, Object] = {}
        self._number = 0

    def name(self, prefix: str) -> str:
        """The id of the next object: `file-sim000001`."""
        self._number += 1
        return f"{prefix}sim{self._number:06d}"

    def put(self, shown: dict[str, Any], content: bytes = b"") -> Object:
        kept = self._kept[shown["id"]] = Object(shown, content)
        if len(self._kept) > KEPT_AT_MOST:
            del self._kept[next(iter(self._kept))]
        return kept

    def get(self, name: str) -> Object | None:
        return self._kept.get(name)

    def drop(self, name: str) -> None:
        self._kept.pop(name, None)

    def all(self) -> list[Object]:
        return list(self._kept.values())


class Store:
    """One for a simulator."""

    def __init__(self) -> None:
        self._shelves: dict[str, Shelf] = {}

    def shelf(self, kind: str) -> Shelf:
        return self._shelves.setdefault(kind, Shelf())
