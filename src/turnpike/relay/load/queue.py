"""Where calls wait when every deployment they may go to has its hands full, and who is turned away.

A call stands in the queue of each of its deployments at once; whichever has room first, takes it. The queue is bounded
in length and in time; when it is full the newest of the lowest tier makes room for a higher one. While the relay is
pressed, callers of the lowest tiers are turned away at once.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from turnpike.contract.snapshot import Policies
from turnpike.errors import Overloaded
from turnpike.relay.backend import Backend
from turnpike.relay.gauge import Gauge
from turnpike.relay.load.fair import FairQueue, Ticket
from turnpike.relay.load.pressure import Pressure

if TYPE_CHECKING:
    from turnpike.errors import TurnpikeError
    from turnpike.relay.breaker import Breaker
    from turnpike.relay.core import Relay
    from turnpike.relay.keys import Entry

_RETRY_AT_LEAST_S = 1
_RETRY_AT_MOST_S = 30


class Spot(Protocol):
    """A deployment that is waited for."""

    @property
    def gauge(self) -> Gauge: ...

    @property
    def breaker(self) -> "Breaker": ...


class Spots(Protocol):
    @property
    def targets(self) -> Sequence[Spot]: ...


class Waits(Protocol):
    """Who may wait: a call, or turnpike.relay.load.room.Waiter for what is none."""

    relay: "Relay"
    entry: "Entry"
    model: str
    waiting: "Ticket[Any] | None"

    @property
    def plan(self) -> Spots: ...

    @property
    def tried(self) -> Sequence[Spot]: ...

    def take(self, target: Any, /) -> None:
        """There is room at this one."""
        ...

    def resume(self) -> None:
        """Nothing can be sent to any of them by now."""
        ...

    def turn_away(self, error: "TurnpikeError", /) -> None: ...

    def time_left_s(self) -> float: ...


class Queue:
    """Of one relay."""

    def __init__(self, pressure: Pressure) -> None:
        self._pressure = pressure
        self._tickets: dict[Ticket[Waits], None] = {}
        """All who wait, the longest first."""
        self._length = 0
        self._wait_s = 0.0
        self._weights: dict[str, float] = {}
        self._order: tuple[float, ...] = ()
        self._freed: dict[Backend, None] = {}
        self.live: Counter[str] = Counter()
        self.queued: Counter[str] = Counter()
        """By tier: who ever waited."""
        self.shed: Counter[tuple[str, str]] = Counter()
        """By tier and reason: who was turned away."""

    def __len__(self) -> int:
        return len(self._tickets)

    def configure(self, policies: Policies) -> None:
        self._length = policies.queue_length
        self._wait_s = policies.queue_wait_s
        self._weights = {tier: max(weight, 0.001) for tier, weight in policies.tier_weights.items()} or {"": 1.0}
        self._order = tuple(sorted(set(self._weights.values())))

    @property
    def steps(self) -> int:
        """How many tiers may be turned away: never the highest."""
        return len(self._order) - 1

    def weight_of(self, tier: str) -> float:
        return self._weights.get(tier, self._order[0])

    def is_shed(self, tier: str) -> bool:
        """Whether callers of this tier are turned away at the moment."""
        level = self._pressure.level
        return level > 0 and self.weight_of(tier) < self._order[min(level, len(self._order) - 1)]

    # ---- coming

    def place(self, call: "Waits", target: Spot) -> None:
        """The target chosen has no room, or the relay is pressed: another one, a wait, or a refusal."""
        tier = call.entry.tier
        if self.is_shed(tier):
            self._refuse(
                call, "pressure", f"The gateway is overloaded and turns the tier '{tier}' away for the moment."
            )
            return
        able = self._able(call, target)
        free = next((each for each in able if _has_room(each.gauge)), None)
        if free is not None:
            call.take(free)
        elif self._makes_room(tier):
            self._wait(call, able)
        else:
            self._refuse(call, "full", f"Every deployment of '{call.model}' is busy, and too many calls wait already.")

    def _able(self, call: "Waits", target: Spot) -> list[Spot]:
        now = call.relay.tick.now
        tried = (*call.tried, target)
        return [target, *(each for each in call.plan.targets if each not in tried and each.breaker.may_pass(now))]

    def _makes_room(self, tier: str) -> bool:
        """Whether one more may wait: where the queue is full, at the expense of the newest of a lower tier."""
        if len(self._tickets) < self._length:
            return True
        weight = self.weight_of(tier)
        lowest = min((self.weight_of(each) for each, number in self.live.items() if number), default=weight)
        if lowest >= weight:
            return False
        for ticket in reversed(self._tickets):
            if ticket.weight == lowest:
                self._leave(ticket)
                self._refuse(
                    ticket.item, "displaced", "The gateway is overloaded, and callers of a higher tier go first."
                )
                return True
        return False

    def _wait(self, call: "Waits", able: list[Spot]) -> None:
        now = call.relay.tick.now
        until = now + min(self._wait_s, call.time_left_s())
        tier = call.entry.tier
        ticket: Ticket[Waits] = Ticket(call, tier, self.weight_of(tier), now, until)
        self._tickets[ticket] = None
        self.live[tier] += 1
        self.queued[tier] += 1
        call.waiting = ticket
        for gauge in dict.fromkeys(target.gauge for target in able):
            if gauge.queue is None:
                gauge.queue = FairQueue()
            gauge.queue.push(ticket)
            gauge.room = 0

    def _refuse(self, call: "Waits", reason: str, said: str) -> None:
        tier = call.entry.tier
        self.shed[tier, reason] += 1
        seconds = self.retry_after_s()
        call.turn_away(
            Overloaded(
                f"{said} Try again in {seconds} s.",
                details={"model": call.model, "tier": tier, "reason": reason},
                retry_after_s=seconds,
            )
        )

    def retry_after_s(self) -> int:
        """As long as the longest waits now, and longer the harder the relay is pressed."""
        seconds = self.age_s(self._now()) + 2 * self._pressure.level
        return max(_RETRY_AT_LEAST_S, min(_RETRY_AT_MOST_S, round(seconds)))

    def _now(self) -> float:
        first = next(iter(self._tickets), None)
        return first.item.relay.tick.now if first is not None else 0.0

    # ---- waiting

    def ages_s(self, now: float) -> dict[str, float]:
        """How long the longest of each tier has waited."""
        ages: dict[str, float] = {}
        for ticket in self._tickets:
            if ticket.tier not in ages:
                ages[ticket.tier] = now - ticket.since
        return ages

    def age_s(self, now: float, *, but_shed: bool = False) -> float:
        """How long the longest has waited; `but_shed`: of those who are not of a tier that is turned away."""
        for ticket in self._tickets:
            if not (but_shed and self.is_shed(ticket.tier)):
                return now - ticket.since
        return 0.0

    def leave(self, ticket: Ticket[Waits]) -> None:
        """The caller has gone."""
        if not ticket.taken:
            self._leave(ticket)

    def _leave(self, ticket: Ticket[Waits]) -> None:
        ticket.take()
        self._out(ticket)

    def _out(self, ticket: Ticket[Waits]) -> None:
        del self._tickets[ticket]
        self.live[ticket.tier] -= 1
        ticket.item.waiting = None
        # A queue that nobody stands in any more closes no door.
        for target in ticket.item.plan.targets:
            _settle_door(target.gauge)

    def sweep(self, now: float) -> None:
        """Ends waits that are too long, and those that nobody will end."""
        if not self._tickets:
            return
        for ticket in list(self._tickets):
            call = ticket.item
            if ticket.taken:
                continue
            if ticket.until <= now:
                self._leave(ticket)
                seconds = round(now - ticket.since, 1)
                self._refuse(call, "age", f"Every deployment of '{call.model}' was busy for {seconds} s.")
            elif not any(target.breaker.may_pass(now) for target in call.plan.targets):
                # They all rest by now: that is for the call to deal with, or to be told.
                self._leave(ticket)
                call.resume()

    # ---- going

    def freed(self, backend: Backend) -> None:
        """An attempt has ended: whoever is next goes as soon as this callback is over."""
        if not self._freed:
            asyncio.get_running_loop().call_soon(self._dispatch_freed)
        self._freed[backend] = None

    def _dispatch_freed(self) -> None:
        freed, self._freed = self._freed, {}
        for backend in freed:
            self.dispatch(backend)

    def dispatch(self, backend: Backend) -> None:
        """Lets as many go as there is room for."""
        gauge = backend.gauge
        while (queue := gauge.queue) is not None and gauge.in_flight < gauge.limit:
            ticket = queue.pop()
            if ticket is None:
                break
            call: Waits = ticket.item
            self._out(ticket)
            target = next((each for each in call.plan.targets if each.gauge is gauge), None)
            if target is None or not target.breaker.may_pass(call.relay.tick.now):
                call.resume()
            else:
                call.take(target)
        _settle_door(gauge)


def _has_room(gauge: Gauge) -> bool:
    """Newcomers do not pass those who wait."""
    return gauge.queue is None and gauge.in_flight < gauge.limit


def _settle_door(gauge: Gauge) -> None:
    if gauge.queue is not None and not gauge.queue.live:
        gauge.queue = None
        gauge.room = gauge.limit
