"""In which order the candidates of a plan are tried; by what a relay measures, where the strategy goes by that."""

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from turnpike.contract.routes import Strategy
from turnpike.contract.routing.hashing import hash64, score, sticky_seed
from turnpike.contract.routing.measuring import MEASURED, shares
from turnpike.contract.routing.planning import Candidate, usual_cost_nanousd

_TURNS = frozenset((Strategy.WEIGHTED, Strategy.ROUND_ROBIN))


class Ordered(NamedTuple):
    candidate: Candidate
    rank: int | None
    """In the order of trying, from 1; those with the same rank take turns. None: what a relay measures decides."""
    share: float | None
    """Of the first tries, from 0 to 1, while nothing rests."""


def ordered(
    found: Sequence[Candidate],
    strategy: Strategy,
    sticky_key: bytes,
    figure: Callable[[Candidate], float] | None = None,
) -> list[Ordered]:
    """Those that are in. The first group has all first tries; `sticky_key`: what turnpike.relay.routing.strategies
    tells a call by; `figure`: what measured strategies go by, where it is known, the lowest first."""
    result: list[Ordered] = []
    seen: set[str] = set()
    for _, group in groupby(sorted(found, key=attrgetter("group")), attrgetter("group")):
        once: list[Candidate] = []
        for each in group:
            if each.out is None and each.row.id not in seen:
                seen.add(each.row.id)
                once.append(each)
        for part in parted(once):
            before = len(result)
            for candidate, place, share in _group(part, strategy, sticky_key, figure):
                rank = None if place is None else before + place + 1
                result.append(Ordered(candidate, rank, 0.0 if before else share))
    return result


def parted(group: list[Candidate]) -> list[list[Candidate]]:
    """Those with the weight 0 are behind the others of their group."""
    parts = [each for each in group if each.weight], [each for each in group if not each.weight]
    return [part for part in parts if part]


def _group(
    found: list[Candidate], strategy: Strategy, key: bytes, figure: Callable[[Candidate], float] | None
) -> list[tuple[Candidate, int | None, float | None]]:
    """Candidates with their place in the group and their share of its first tries."""
    if len(found) == 1:
        return [(found[0], 0, 1.0)]
    if strategy in _TURNS:
        turns = strategy is Strategy.ROUND_ROBIN
        weights = [1 if turns else max(1, each.weight) * len(each.credentials) for each in found]
        return [(each, 0, weight / sum(weights)) for each, weight in zip(found, weights, strict=True)]
    if strategy is Strategy.STICKY:
        number = hash64(key)
        best = sorted(found, key=lambda each: -_points(each, number))
        return [(each, place, 1.0 if place == 0 else 0.0) for place, each in enumerate(best)]
    if strategy is Strategy.LOWEST_COST:
        return _by_cost(found)
    if figure is None or strategy not in MEASURED:
        return [(each, None, None) for each in found]
    ranked = sorted(found, key=figure)
    each_share = shares(strategy, [figure(each) for each in ranked])
    return [(each, place, share) for place, (each, share) in enumerate(zip(ranked, each_share, strict=True))]


def _points(candidate: Candidate, key: int) -> float:
    """The best that it gets with any of its credentials."""
    return max(
        score(key, sticky_seed(candidate.row.id, each.id if each is not None else None), max(1, candidate.weight))
        for each in candidate.credentials
    )


def _by_cost(found: list[Candidate]) -> list[tuple[Candidate, int | None, float | None]]:
    costs = {each.row.id: usual_cost_nanousd(each.row.rates) for each in found}

    def cost(each: Candidate) -> tuple[bool, int]:
        known = costs[each.row.id]
        return known is None, known or 0

    cheapest = min(cost(each) for each in found)
    first = [each for each in found if cost(each) == cheapest]
    weights = sum(max(1, each.weight) for each in first)
    result: list[tuple[Candidate, int | None, float | None]] = [
        (each, 0, max(1, each.weight) / weights) for each in first
    ]
    others = sorted((each for each in found if cost(each) != cheapest), key=cost)
    return result + [(each, place, 0.0) for place, each in enumerate(others, len(first))]
