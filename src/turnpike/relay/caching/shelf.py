"""The store that relays share, asked of control within a short time and never waited for longer.

It is a help and no need: one that does not answer is left alone for a while, and nothing fails for it.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from turnpike.contract.caching import FindSimilar, GetKept, Kept, KeptAnswer, PutKept
from turnpike.contract.messages import ToControl

Told = Callable[[KeptAnswer | None, float], None]
"""A kept answer and how similar its question is; None: there is none, or not in time."""
_LATE_AT_MOST = 5
_REST_S = 5.0
_ASKED_AT_MOST = 1_000


class Line(Protocol):
    """The line to control, as far as it is needed here."""

    @property
    def is_up(self) -> bool: ...

    def next_id(self) -> int: ...

    def tell(self, message: ToControl) -> None: ...


class Shelf:
    """One for a relay. `line` is set when the relay is put together."""

    def __init__(self, wait_s: float, now: Callable[[], float]) -> None:
        self.line: Line | None = None
        self.stored = False
        """Whether control keeps answers; the snapshot says."""
        self.late = 0
        """Questions that were not answered in time."""
        self._wait_s = wait_s
        self._now = now
        self._asked: dict[int, tuple[Told, asyncio.TimerHandle]] = {}
        self._late_in_a_row = 0
        self._rests_until = 0.0

    @property
    def is_open(self) -> bool:
        line = self.line
        return (
            self.stored
            and line is not None
            and line.is_up
            and len(self._asked) < _ASKED_AT_MOST
            and self._now() >= self._rests_until
        )

    def get(self, key: bytes, told: Told) -> None:
        self._ask(told, lambda number: GetKept(number, key))

    def find_similar(self, space: bytes, vector: bytes, threshold: float, told: Told) -> None:
        self._ask(told, lambda number: FindSimilar(number, space, vector, threshold))

    def put(self, message: PutKept) -> None:
        if self.is_open and self.line is not None:
            self.line.tell(message)

    # ---- from the line

    def answered(self, message: Kept) -> None:
        waiting = self._asked.pop(message.id, None)
        self._late_in_a_row = 0
        if waiting is not None:
            told, timer = waiting
            timer.cancel()
            told(message.kept, message.similarity)

    def lost(self) -> None:
        """The line went down: nobody answers what was asked."""
        asked, self._asked = self._asked, {}
        for told, timer in asked.values():
            timer.cancel()
            told(None, 0.0)

    # ---- inside

    def _ask(self, told: Told, make: Callable[[int], ToControl]) -> None:
        line = self.line
        assert line is not None
        number = line.next_id()
        timer = asyncio.get_running_loop().call_later(self._wait_s, self._too_late, number)
        self._asked[number] = (told, timer)
        line.tell(make(number))

    def _too_late(self, number: int) -> None:
        waiting = self._asked.pop(number, None)
        if waiting is None:
            return
        self.late += 1
        self._late_in_a_row += 1
        if self._late_in_a_row >= _LATE_AT_MOST:
            self._late_in_a_row = 0
            self._rests_until = self._now() + _REST_S
        waiting[0](None, 0.0)
