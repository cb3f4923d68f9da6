"""In which order the candidates of a plan are tried, as far as it does not depend on what a relay measures."""

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from turnpike.contract.routes import Strategy
from turnpike.contract.routing.hashing import hash64, score, sticky_seed
from turnpike.contract.routing.planning import Candidate, usual_cost_nanousd

_TURNS = frozenset((Strategy.WEIGHTED, Strategy.ROUND_ROBIN))


class Ordered(NamedTuple):
    candidate: Candidate
    rank: int | None
    """In the order of trying, from 1; those with the same rank take turns. None: what a relay measures decides."""
    share: float | None
    """Of the first tries, from 0 to 1, while nothing rests."""


def ordered(found: Sequence[Candidate], strategy: Strategy, sticky_key: bytes) -> list[Ordered]:
    """Those that are in. The first group has all first tries; `sticky_key`: what turnpike.relay.routing.strategies
    tells a call by."""
    result: list[Ordered] = []
    seen: set[str] = set()
    for _, group in groupby(sorted(found, key=attrgetter("group")), attrgetter("group")):
        once: list[Candidate] = []
        for each in group:
            if each.out is None and each.row.id not in seen:
                seen.add(each.row.id)
                once.append(each)
        before = len(result)
        for candidate, place, share in _group(once, strategy, sticky_key):
            result.append(Ordered(candidate, None if place is None else before + place + 1, 0.0 if before else share))
    return result


def _group(found: list[Candidate], strategy: Strategy, key: bytes) -> list[tuple[Candidate, int | None, float | None]]:
    """Candidates with their place in the group and their share of its first tries."""
    if len(found) == 1:
        return [(found[0], 0, 1.0)]
    if strategy in _TURNS:
        weights = [1 if strategy is Strategy.ROUND_ROBIN else each.weight * len(each.credentials) for each in found]
        return [(each, 0, weight / sum(weights)) for each, weight in zip(found, weights, strict=True)]
    if strategy is Strategy.STICKY:
        number = hash64(key)
        best = sorted(found, key=lambda each: -_points(each, number))
        return [(each, place, 1.0 if place == 0 else 0.0) for place, each in enumerate(best)]
    if strategy is Strategy.LOWEST_COST:
        return _by_cost(found)
    return [(each, None, None) for each in found]


def _points(candidate: Candidate, key: int) -> float:
    """The best that it gets with any of its credentials."""
    return max(
        score(key, sticky_seed(candidate.row.id, each.id if each is not None else None), candidate.weight)
        for each in candidate.credentials
    )


def _by_cost(found: list[Candidate]) -> list[tuple[Candidate, int | None, float | None]]:
    costs = {each.row.id: usual_cost_nanousd(each.row.rates) for each in found}

    def cost(each: Candidate) -> tuple[bool, int]:
        known = costs[each.row.id]
        return known is None, known or 0

    cheapest = min(cost(each) for each in found)
    first = [each for each in found if cost(each) == cheapest]
    weights = sum(each.weight for each in first)
    result: list[tuple[Candidate, int | None, float | None]] = [(each, 0, each.weight / weights) for each in first]
    others = sorted((each for each in found if cost(each) != cheapest), key=cost)
    return result + [(each, place, 0.0) for place, each in enumerate(others, len(first))]
