"""Leases in this process's memory: for one control process without a shared truth, and the measure of the others."""

from collections.abc import Sequence

from turnpike.control.infra.leases import (
    Clock,
    Errand,
    SeatErrand,
    Seats,
    Slice,
    Window,
    granted,
    window_start,
)
from turnpike.kit.clock import now_ms


class MemoryLeases:
    def __init__(self, clock: Clock = now_ms) -> None:
        self._clock = clock
        self._windows: dict[tuple[str, str, int], tuple[int, int]] = {}
        """Start and use of the last window."""
        self._seats: dict[str, dict[str, tuple[int, int]]] = {}
        """By scope and holder: seats, and until when."""

    async def take(self, window: Window, wanted: int, *, share: int = 1) -> Slice:
        return self._take(Errand(window, wanted, share))

    def _take(self, errand: Errand) -> Slice:
        now = self._clock()
        window = errand.window
        start, used = self._running(window, now)
        lent = granted(errand.wanted, window.limit - used, errand.share, errand.least)
        self._windows[_key(window)] = (start, used + lent)
        return Slice(lent, used + lent, start, start + window.length_ms - now)

    async def lend(self, errands: Sequence[Errand]) -> list[Slice]:
        slices: list[Slice] = []
        for each in errands:
            if each.back:
                await self.give_back(each.window, each.back_start_ms, each.back)
            slices.append(self._take(each))
        return slices

    async def sit(self, errands: Sequence[SeatErrand]) -> list[tuple[int, int]]:
        answers: list[tuple[int, int]] = []
        for each in errands:
            given = await self.hold(each.seats, each.holder, each.wanted, each.ttl_ms)
            (seated,) = await self.seated([each.seats])
            answers.append((given, seated))
        return answers

    async def give_back(self, window: Window, start_ms: int, amount: int) -> None:
        known = self._windows.get(_key(window))
        if known is not None and known[0] == start_ms:
            self._windows[_key(window)] = (start_ms, max(0, known[1] - amount))

    async def used(self, windows: Sequence[Window]) -> list[int]:
        now = self._clock()
        return [self._running(window, now)[1] for window in windows]

    async def reset(self, windows: Sequence[Window]) -> None:
        for window in windows:
            start, _ = self._windows.get(_key(window), (0, 0))
            self._windows[_key(window)] = (start, 0)

    async def hold(self, seats: Seats, holder: str, wanted: int, ttl_ms: int) -> int:
        now = self._clock()
        held = {name: each for name, each in self._seats.get(seats.scope, {}).items() if each[1] > now}
        held.pop(holder, None)
        free = seats.limit - sum(count for count, _ in held.values())
        given = max(0, min(wanted, free))
        if given:
            held[holder] = (given, now + ttl_ms)
        self._seats[seats.scope] = held
        return given

    async def seated(self, seats: Sequence[Seats]) -> list[int]:
        now = self._clock()
        held = [self._seats.get(each.scope, {}).values() for each in seats]
        return [sum(count for count, until in rows if until > now) for rows in held]

    async def close(self) -> None:
        self._windows.clear()
        self._seats.clear()

    def _running(self, window: Window, now: int) -> tuple[int, int]:
        known = self._windows.get(_key(window))
        start, new = window_start(now, window.length_ms, known[0] if known else None)
        return start, 0 if new or known is None else known[1]


def _key(window: Window) -> tuple[str, str, int]:
    return window.scope, window.resource, window.length_ms
