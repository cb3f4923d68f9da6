"""Room at a deployment for what is no model call of its own lane: responses of realtime sessions, their openings, and
passed-through requests. They wait in the same queue as calls, by the same tiers, and are turned away alike."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError
from turnpike.relay.backend import Backend

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.keys import Entry
    from turnpike.relay.load.fair import Ticket
    from turnpike.relay.load.queue import Spot, Waits


class Place:
    """A deployment, as the queue sees it."""

    __slots__ = ("breaker", "gauge")

    def __init__(self, backend: Backend) -> None:
        self.gauge = backend.gauge
        self.breaker = backend.breaker


class Places:
    """As a plan: all that may be waited for."""

    __slots__ = ("targets",)

    def __init__(self, targets: "Sequence[Spot]") -> None:
        self.targets = targets


class Waiter:
    """Stands in the queue for somebody else. `go` is told that there is room (None: that the deployments rest by now),
    `refused` why there is none."""

    waiting: "Ticket[Waits] | None" = None
    tried: "tuple[Spot, ...]" = ()

    def __init__(  # noqa: PLR0917 - who, for what, and whom to tell
        self,
        relay: "Relay",
        entry: "Entry",
        model: str,
        targets: "Sequence[Spot]",
        go: "Callable[[Spot | None], None]",
        refused: Callable[[TurnpikeError], None],
    ) -> None:
        self.relay = relay
        self.entry = entry
        self.model = model
        self.plan = Places(targets)
        self._go = go
        self._refused = refused

    def take(self, target: "Spot") -> None:
        self._go(target)

    def resume(self) -> None:
        self._go(None)

    def turn_away(self, error: TurnpikeError) -> None:
        self._refused(error)

    def time_left_s(self) -> float:
        return self.relay.catalog.snapshot.policies.total_timeout_s

    def leave(self) -> None:
        if self.waiting is not None:
            self.relay.load.leave(self.waiting)


def is_free(relay: "Relay", target: "Spot") -> bool:
    """Nobody has to be asked."""
    return target.gauge.in_flight < target.gauge.room and not relay.load.pressed


async def room(relay: "Relay", entry: "Entry", model: str, target: "Spot", others: "Sequence[Spot]" = ()) -> "Spot":
    """The deployment, or another one, once there is room. Raises Overloaded."""
    if is_free(relay, target):
        return target
    found: asyncio.Future[Spot | None] = asyncio.get_running_loop().create_future()

    def go(spot: "Spot | None") -> None:
        if not found.done():
            found.set_result(spot)

    def refused(error: TurnpikeError) -> None:
        if not found.done():
            found.set_exception(error)

    waiter = Waiter(relay, entry, model, [target, *(each for each in others if each is not target)], go, refused)
    relay.load.place(waiter, target)
    try:
        return await found or target
    finally:
        waiter.leave()
