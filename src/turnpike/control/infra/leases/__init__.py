"""Slices of shared limits: how many requests or tokens of a window, how many seats at once, a holder may use.

Each `take` and `hold` is one atomic step on the shared truth, so limits hold however many relays and control processes
there are. What was taken is spent until its window ends, whatever becomes of its holder. Money is not lent here: it is
counted in the transaction that writes the ledger.

Windows are fixed and aligned to the truth's clock. A truth whose clock goes back stays in the window that it knows, if
that ends within a window's length, and else begins one with everything counted so far: a step of the clock may refuse
too much for one window, and never lends a window twice.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from turnpike.errors import Unavailable

Clock = Callable[[], int]
"""Milliseconds since the epoch; for tests. Every implementation asks its truth otherwise."""


class Window(msgspec.Struct, frozen=True, gc=False):
    """A limit: at most `limit` of `resource` in each window of `length_ms`, for all that `scope` stands for."""

    scope: str
    """`key:<id>`, `user:<id>`, `department:<id>`, `provider:<id>`, `gateway`."""
    resource: str
    """`requests`, `tokens`, ..."""
    length_ms: int
    limit: int
    """With its burst."""


class Slice(msgspec.Struct, frozen=True, gc=False):
    granted: int
    used: int
    """Of the window, by everybody, this slice included."""
    start_ms: int
    """Names the window, for `give_back`."""
    usable_for_ms: int
    """From the truth's answer on, by any clock: the holder takes one round trip off."""


class Seats(msgspec.Struct, frozen=True, gc=False):
    """A limit of how much may be going on at once."""

    scope: str
    limit: int


class Errand(msgspec.Struct, frozen=True, gc=False):
    """One window's part of `Leases.lend`."""

    window: Window
    wanted: int
    share: int = 1
    least: int = 1
    """Lent if there is so much, whatever `share` says."""
    back: int = 0
    """Given back first, of the window that began at `back_start_ms`."""
    back_start_ms: int = 0


class SeatErrand(msgspec.Struct, frozen=True, gc=False):
    """One counter's part of `Leases.sit`."""

    seats: Seats
    holder: str
    wanted: int
    ttl_ms: int


class LeasesUnreachable(Unavailable):
    """The shared truth does not answer."""


class Leases(Protocol):
    async def take(self, window: Window, wanted: int, *, share: int = 1) -> Slice:
        """Lends up to `wanted`, and no more than one part in `share` of what is left, but one where there is one: so
        the last ones are lent singly. Grants 0 when the window is used up. Raises LeasesUnreachable."""
        ...

    async def lend(self, errands: Sequence[Errand]) -> list[Slice]:
        """Many windows in one go: as `give_back` and `take` for each. Raises LeasesUnreachable."""
        ...

    async def sit(self, errands: Sequence[SeatErrand]) -> list[tuple[int, int]]:
        """Many seats in one go: as `hold` for each; returns how many the holder has, and all together. Raises
        LeasesUnreachable."""
        ...

    async def give_back(self, window: Window, start_ms: int, amount: int) -> None:
        """What was not used. Ignored when that window is over. Raises LeasesUnreachable."""
        ...

    async def used(self, windows: Sequence[Window]) -> list[int]:
        """Of each window that is running. Raises LeasesUnreachable."""
        ...

    async def reset(self, windows: Sequence[Window]) -> None:
        """An administrator's: nothing of these windows counts as used. Raises LeasesUnreachable."""
        ...

    async def hold(self, seats: Seats, holder: str, wanted: int, ttl_ms: int) -> int:
        """Sets how many seats a holder has to as many of `wanted` as there are, for `ttl_ms` from now; returns them.
        Asked again in time, it keeps them; a holder that does not ask in time has none. A holder with more seats than
        a lowered limit has room for keeps none beyond it. Raises LeasesUnreachable."""
        ...

    async def seated(self, seats: Sequence[Seats]) -> list[int]:
        """How many of each are held by all. Raises LeasesUnreachable."""
        ...

    async def close(self) -> None: ...


def granted(wanted: int, left: int, share: int, least: int = 1) -> int:
    """The rule of `Leases.take` and `lend`; SQL and Lua say the same in their own words."""
    return max(0, min(wanted, left, max(least, left // share)))


def window_start(now_ms: int, length_ms: int, known_ms: int | None) -> tuple[int, bool]:
    """The start of the window that counts now, and whether it is a new one. `known_ms`: the start of the last one."""
    start = now_ms - now_ms % length_ms
    if known_ms is None or start > known_ms:
        return start, True
    if known_ms - start <= length_ms:
        return known_ms, False
    return start, False
