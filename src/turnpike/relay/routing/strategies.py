"""How one of several targets is chosen.

A picker is made once for a group of a plan and asked with every call; it passes over targets that rest. What it goes by
beside that is the targets' gauges (turnpike.relay.gauge), in memory of this relay alone.
"""

from collections.abc import Iterable, Sequence
from itertools import cycle, permutations
from random import sample, shuffle
from typing import TYPE_CHECKING, Protocol

from turnpike.contract.routes import StickyBy, Strategy
from turnpike.contract.routing.hashing import hash64, prompt_prefix, score, sticky_seed
from turnpike.contract.routing.measuring import FORGIVEN_S, HEALTH_FLOOR, LEAST_LATENCY_S
from turnpike.contract.routing.planning import usual_cost_nanousd

if TYPE_CHECKING:
    from turnpike.relay.breaker import Breaker
    from turnpike.relay.gauge import Gauge
    from turnpike.relay.routing.asked import Asked
    from turnpike.relay.target import Target

    Tried = tuple[Target, ...]

_CYCLE_AT_MOST = 64
_ORDERS_AT_MOST = 10_000
_FORGIVES = 1.0 / FORGIVEN_S
_INFINITE = float("inf")
_ALIKE = 0.99
_ROTATIONS_AT_MOST = 32
_ALL_PAIRS_OF = 16
_PAIRS = 512
_OVER = 1.25
"""A sticky target may have so much of its share of the calls in hand."""
_FREELY = 8
"""Calls in hand that a sticky target may have whatever the others do."""


class Picker(Protocol):
    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        """One that lets a request pass and was not tried; None when there is none."""
        ...


def passes(target: "Target", now: float) -> bool:
    """Neither its breaker nor its provider's wish to be left alone keeps requests away."""
    breaker = target.breaker
    return not breaker.open or breaker.may_pass(now)


def weighted_cycle(targets: "Sequence[tuple[Target, int]]") -> "tuple[Target, ...]":
    """A turn order in which each target stands as often as its weight says, spread evenly (smooth weighted round
    robin, as nginx does it), scaled down to at most 64 places."""
    total = sum(weight for _, weight in targets)
    scale = max(1.0, total / _CYCLE_AT_MOST)
    weights = [max(1, round(weight / scale)) for _, weight in targets]
    current = [0] * len(targets)
    turns: list[Target] = []
    for _ in range(sum(weights)):
        current = [value + weight for value, weight in zip(current, weights, strict=True)]
        best = current.index(max(current))
        current[best] -= sum(weights)
        turns.append(targets[best][0])
    return tuple(turns)


class Turns:
    """In turn, by weight."""

    def __init__(self, targets: "Sequence[tuple[Target, int]]") -> None:
        self._order = weighted_cycle(targets)
        self._turns = cycle(self._order)

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        target = next(self._turns)
        if not tried and not target.breaker.open:
            return target
        if target not in tried and passes(target, now):
            return target
        for _ in self._order:
            target = next(self._turns)
            if target not in tried and passes(target, now):
                return target
        return None


_Known = tuple["Target", "Gauge", "Breaker", float]
"""A target, what is looked at of it, and one by its weight: looked up once."""


def _known(targets: "Sequence[tuple[Target, int]]") -> "list[_Known]":
    return [(target, target.gauge, target.breaker, 1.0 / weight) for target, weight in targets]


def _rotated(known: "list[_Known]") -> "cycle[tuple[_Known, ...]]":
    """The targets, beginning with another one each time: who has the same figure as others has its turn."""
    starts = range(min(len(known), _ROTATIONS_AT_MOST))
    return cycle([tuple(known[start:] + known[:start]) for start in starts])


def _burden(gauge: "Gauge", share: float, now: float) -> float:
    latency_s = LEAST_LATENCY_S + gauge.latency_s / (1.0 + (now - gauge.seen) / FORGIVEN_S)
    if gauge.failing:
        share /= max(HEALTH_FLOOR, 1.0 - gauge.failing)
    return latency_s * (gauge.in_flight + 1) * share


class Ewma:
    """Of two at random the one with the lower product of latency and load, as health allows. Where one of the two
    rests, and for further attempts, the lowest of all. The pairs are drawn ahead."""

    def __init__(self, targets: "Sequence[tuple[Target, int]]") -> None:
        self._all = _known(targets)
        pairs = list(permutations(self._all, 2)) if len(targets) <= _ALL_PAIRS_OF else []
        if len(targets) > _ALL_PAIRS_OF:
            pairs = [(one, other) for one, other in (sample(self._all, 2) for _ in range(_PAIRS))]
        shuffle(pairs)
        self._pairs = cycle(pairs) if pairs else None

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        if self._pairs is not None and not tried:
            (first, one, breaker, share), (second, two, other, other_share) = next(self._pairs)
            if not (breaker.open or other.open):
                # As _burden, without two calls.
                ours = (LEAST_LATENCY_S + one.latency_s / (1.0 + (now - one.seen) * _FORGIVES)) * (one.in_flight + 1)
                theirs = (LEAST_LATENCY_S + two.latency_s / (1.0 + (now - two.seen) * _FORGIVES)) * (two.in_flight + 1)
                if one.failing or two.failing:
                    share /= max(HEALTH_FLOOR, 1.0 - one.failing)
                    other_share /= max(HEALTH_FLOOR, 1.0 - two.failing)
                return first if ours * share <= theirs * other_share else second
        best: Target | None = None
        lowest = 0.0
        for target, gauge, _, share in self._all:
            if target not in tried and passes(target, now):
                figure = _burden(gauge, share, now)
                if best is None or figure < lowest:
                    best, lowest = target, figure
        return best


class LeastBusy:
    """Those that are alike take turns: else the first one would get every call of a quiet hour."""

    def __init__(self, targets: "Sequence[tuple[Target, int]]") -> None:
        self._turns = _rotated(_known(targets))

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        best: Target | None = None
        lowest = _INFINITE
        for target, gauge, breaker, share in next(self._turns):
            figure = (gauge.in_flight + 1) * share
            if figure < lowest and (not breaker.open or breaker.may_pass(now)) and target not in tried:
                best, lowest = target, figure
        return best


class LowestLatency:
    """Those within a hundredth of each other take turns."""

    def __init__(self, targets: "Sequence[tuple[Target, int]]") -> None:
        self._turns = _rotated(_known(targets))

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        best: Target | None = None
        lowest = _INFINITE
        for target, gauge, breaker, _ in next(self._turns):
            figure = LEAST_LATENCY_S + gauge.latency_s / (1.0 + (now - gauge.seen) * _FORGIVES)
            if figure < lowest and (not breaker.open or breaker.may_pass(now)) and target not in tried:
                best, lowest = target, figure * _ALIKE
        return best


class LowestCost:
    """The cheapest that lets requests pass; in turn among those of one price. What has no price comes last."""

    def __init__(self, targets: "Sequence[tuple[Target, int]]") -> None:
        ranks: dict[tuple[bool, int], list[tuple[Target, int]]] = {}
        for target, weight in targets:
            cost = usual_cost_nanousd(target.rates)
            ranks.setdefault((cost is None, cost or 0), []).append((target, weight))
        self._ranks = [Turns(ranks[cost]) for cost in sorted(ranks)]

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        for turns in self._ranks:
            target = turns.pick(call, now, tried)
            if target is not None:
                return target
        return None


class Sticky:
    """By weighted rendezvous hashing: all relays agree, and a target that goes takes its own callers alone along.

    With bounded loads (Mirrokni, Thorup, Zadimoghaddam 2018): a target that has a quarter more in hand than its share
    of what all have is passed over, so that a favourite does not drown one while the others idle. That is looked at
    from some calls in hand on: below, staying together is worth more.
    """

    def __init__(self, targets: "Sequence[tuple[Target, int]]", by: StickyBy) -> None:
        self._targets = [
            (target, sticky_seed(target.served.deployment_id, target.served.credential_id), float(weight))
            for target, weight in targets
        ]
        total = sum(weight for _, weight in targets)
        self._gauges = [target.gauge for target, _ in targets]
        self._bounds = {target: _OVER * weight / total for target, weight in targets}
        """The share of all calls in hand that a target may have."""
        self._by = by
        self._orders: dict[bytes, tuple[Target, ...]] = {}
        """Of the keys that were asked for of late: their targets, the best first."""

    def pick(self, call: "Asked | None", now: float, tried: "Tried") -> "Target | None":
        key = sticky_key(call, self._by)
        order = self._orders.get(key) or self._order(key)
        first = order[0]
        if not tried and not first.breaker.open and first.gauge.in_flight < _FREELY:
            return first
        full: Target | None = None
        for target in order:
            if target not in tried and passes(target, now):
                if target.gauge.in_flight < _FREELY or self._has_room(target):
                    return target
                full = full or target
        return full

    def _has_room(self, target: "Target") -> bool:
        in_hand = 1
        for gauge in self._gauges:
            in_hand += gauge.in_flight
        return target.gauge.in_flight < self._bounds[target] * in_hand

    def _order(self, key: bytes) -> "tuple[Target, ...]":
        if len(self._orders) >= _ORDERS_AT_MOST:
            self._orders.clear()
        number = hash64(key)
        best = sorted(self._targets, key=lambda each: -score(number, each[1], each[2]))
        order = self._orders[key] = tuple(target for target, _, _ in best)
        return order


def sticky_key(call: "Asked | None", by: StickyBy) -> bytes:
    """What decides where the call goes."""
    if call is None:
        return b""
    if by is StickyBy.SESSION and call.head.session is not None:
        return call.head.session
    if by is StickyBy.PROMPT_PREFIX and call.body:
        return prompt_prefix(call.body)
    return call.entry.caller.user_id.encode()


def make_picker(strategy: Strategy, targets: "Iterable[tuple[Target, int]]", by: StickyBy) -> Picker:
    found = list(targets)
    match strategy:
        case Strategy.STICKY:
            return Sticky(found, by)
        case Strategy.EWMA:
            return Ewma(found)
        case Strategy.LEAST_BUSY:
            return LeastBusy(found)
        case Strategy.LOWEST_LATENCY:
            return LowestLatency(found)
        case Strategy.LOWEST_COST:
            return LowestCost(found)
        case Strategy.ROUND_ROBIN:
            return Turns([(target, 1) for target, _ in found])
        case Strategy.WEIGHTED:
            return Turns(found)
