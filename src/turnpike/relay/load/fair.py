"""A queue in which every tier gets its share: weighted, first come first served within a tier, nobody starves.

Stride scheduling (Waldspurger and Weihl, 1995): each tier has a pass that moves by 1/weight whenever one of its own is
taken, and the tier with the lowest pass is next. A tier that comes anew begins where the others are.
"""

from collections import deque
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Ticket(Generic[_T]):
    """One place, possibly in several queues at once; whoever takes it first has it."""

    __slots__ = ("item", "queues", "since", "taken", "tier", "until", "weight")

    def __init__(self, item: _T, tier: str, weight: float, since: float, until: float) -> None:
        self.item = item
        self.tier = tier
        self.weight = weight
        self.since = since
        self.until = until
        self.taken = False
        self.queues: tuple[FairQueue[_T], ...] = ()

    def take(self) -> None:
        """Out of every queue it stands in."""
        self.taken = True
        for queue in self.queues:
            queue.gone(self)


class _Tier(Generic[_T]):
    __slots__ = ("live", "passed", "places")

    def __init__(self, passed: float) -> None:
        self.places: deque[Ticket[_T]] = deque()
        self.live = 0
        self.passed = passed


class FairQueue(Generic[_T]):
    __slots__ = ("_now", "_tiers", "live")

    def __init__(self) -> None:
        self._tiers: dict[str, _Tier[_T]] = {}
        self._now = 0.0
        """The pass of who was taken last."""
        self.live = 0

    def push(self, ticket: Ticket[_T]) -> None:
        tier = self._tiers.get(ticket.tier)
        if tier is None:
            tier = self._tiers[ticket.tier] = _Tier(self._now)
        elif not tier.live:
            tier.passed = max(tier.passed, self._now)
        tier.places.append(ticket)
        tier.live += 1
        self.live += 1
        ticket.queues = (*ticket.queues, self)

    def pop(self) -> Ticket[_T] | None:
        """The next one in turn, taken; None when nobody waits."""
        waiting = [tier for tier in self._tiers.values() if tier.live]
        if not waiting:
            return None
        tier = min(waiting, key=lambda each: each.passed)
        places = tier.places
        while places[0].taken:
            places.popleft()
        ticket = places.popleft()
        self._now = tier.passed
        tier.passed += 1.0 / ticket.weight
        ticket.take()
        return ticket

    def gone(self, ticket: Ticket[_T]) -> None:
        """One of its tickets was taken; its place is cleared away later."""
        tier = self._tiers[ticket.tier]
        tier.live -= 1
        self.live -= 1
        if not tier.live:
            tier.places.clear()
        elif len(tier.places) > 2 * tier.live + 64:
            tier.places = deque(each for each in tier.places if not each.taken)
