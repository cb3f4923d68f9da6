"""The figures that measured strategies choose by: the lowest one is best. Relays have them in line, for speed
(turnpike.relay.routing.strategies); explanations have them from here."""

from turnpike.contract.backends import BackendState
from turnpike.contract.routes import Strategy

FORGIVEN_S = 10.0
"""A latency counts half once nothing was heard of a deployment for so long: the slow get another chance."""
LEAST_LATENCY_S = 0.001
HEALTH_FLOOR = 0.02
MEASURED = frozenset((Strategy.EWMA, Strategy.LEAST_BUSY, Strategy.LOWEST_LATENCY))
_ALIKE = 1.01
"""What lies so close together is chosen from at random."""


def figure(strategy: Strategy, weight: int, state: BackendState) -> float:
    """Of one deployment with one credential."""
    latency_s = LEAST_LATENCY_S
    if state.latency_s:
        latency_s += state.latency_s / (1.0 + max(0.0, state.heard_ago_s) / FORGIVEN_S)
    if strategy is Strategy.LOWEST_LATENCY:
        return latency_s
    if strategy is Strategy.LEAST_BUSY:
        return (state.in_flight + 1) / weight
    return latency_s * (state.in_flight + 1) / weight / max(HEALTH_FLOOR, 1.0 - state.failing)


def shares(strategy: Strategy, figures: list[float]) -> list[float]:
    """Of the first tries, for figures in rising order."""
    count = len(figures)
    if strategy is not Strategy.EWMA:
        alike = [each <= figures[0] * _ALIKE for each in figures]
        return [one / sum(alike) for one in alike]
    if count == 1:
        return [1.0]
    # Two are drawn, the better one is taken: the best of n is among them in 2 of n draws, and so on.
    return [2 * (count - 1 - place) / (count * (count - 1)) for place in range(count)]
