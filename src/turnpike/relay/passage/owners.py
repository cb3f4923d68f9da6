"""Whose objects are: asks control and tells it, and remembers what it said of objects that exist.

That an object is not known is never remembered: another relay may have made it a moment ago.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Protocol

from turnpike.contract.messages import ToControl
from turnpike.contract.objects import (
    DropObject,
    FindObjects,
    KeepObjects,
    ObjectSeen,
    ObjectsFound,
    ObjectsKept,
    OwnedObject,
)
from turnpike.errors import Unavailable

REMEMBERED_AT_MOST = 20_000
_WITHIN_S = 5.0

Answer = ObjectsFound | ObjectsKept


class Line(Protocol):
    """The line to control, as far as it is needed here."""

    @property
    def is_up(self) -> bool: ...

    def next_id(self) -> int: ...

    def tell(self, message: ToControl) -> None: ...


class Owners:
    """One for a relay. `line` is set when the relay is put together."""

    def __init__(self) -> None:
        self.line: Line | None = None
        self._known: dict[tuple[str, str], tuple[OwnedObject, ...]] = {}
        self._asked: dict[int, asyncio.Future[Answer]] = {}

    def check_line(self) -> None:
        """Before something is made that must have an owner. Raises Unavailable while nobody could write it down."""
        if self.line is None or not self.line.is_up:
            raise _away()

    async def find(
        self, wanted: Iterable[tuple[str, str]], *, fresh: bool = False
    ) -> dict[tuple[str, str], tuple[OwnedObject, ...]]:
        """Who owns these, pairs of full kind and id; several where providers have objects of the same id. Without
        those that nobody owns. Raises Unavailable."""
        pairs = list(dict.fromkeys(wanted))
        found = {} if fresh else {pair: self._known[pair] for pair in pairs if pair in self._known}
        missing = tuple(pair for pair in pairs if pair not in found)
        if not missing:
            return found
        answer = await self._ask(lambda number: FindObjects(number, missing))
        if not isinstance(answer, ObjectsFound) or answer.objects is None:
            raise _away()
        gathered: dict[tuple[str, str], tuple[OwnedObject, ...]] = {}
        for each in answer.objects:
            pair = (each.kind, each.object_id)
            gathered[pair] = (*gathered.get(pair, ()), each)
        for pair, owned in gathered.items():
            self._remember(pair, owned)
        return found | gathered

    async def keep(self, objects: Iterable[OwnedObject]) -> None:
        """Returns when control has written them down. Raises Unavailable."""
        new = tuple(each for each in objects if each not in self._known.get((each.kind, each.object_id), ()))
        if not new:
            return
        answer = await self._ask(lambda number: KeepObjects(number, new))
        if not isinstance(answer, ObjectsKept) or not answer.ok:
            raise _away()
        for each in new:
            # The first owner stays: who it is is asked for when it is next needed.
            self._known.pop((each.kind, each.object_id), None)

    async def drop(self, gone: OwnedObject) -> None:
        """Returns when control has forgotten it. Raises Unavailable."""
        self._known.pop((gone.kind, gone.object_id), None)
        answer = await self._ask(lambda number: DropObject(number, gone.provider_id, gone.kind, gone.object_id))
        if not isinstance(answer, ObjectsKept) or not answer.ok:
            raise _away()

    def seen_to_end(self, ended: OwnedObject) -> None:
        """Its usage can be asked for."""
        if self.line is not None and self.line.is_up:
            self.line.tell(ObjectSeen(ended.provider_id, ended.kind, ended.object_id))

    # ---- from the line

    def answered(self, message: Answer) -> None:
        waiting = self._asked.pop(message.id, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    def lost(self) -> None:
        """The line went down: nobody answers what was asked."""
        for waiting in self._asked.values():
            if not waiting.done():
                waiting.set_exception(_away())
        self._asked.clear()

    # ---- inside

    async def _ask(self, make: Callable[[int], ToControl]) -> Answer:
        line = self.line
        if line is None or not line.is_up:
            raise _away()
        number = line.next_id()
        waiting: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asked[number] = waiting
        line.tell(make(number))
        try:
            async with asyncio.timeout(_WITHIN_S):
                return await waiting
        except TimeoutError as error:
            raise _away() from error
        finally:
            self._asked.pop(number, None)

    def _remember(self, pair: tuple[str, str], owned: tuple[OwnedObject, ...]) -> None:
        if len(self._known) >= REMEMBERED_AT_MOST:
            del self._known[next(iter(self._known))]
        self._known[pair] = owned


def _away() -> Unavailable:
    return Unavailable(
        "The gateway cannot look up who owns this at the moment. Ordinary model calls are not concerned; try again.",
        retry_after_s=2,
    )
