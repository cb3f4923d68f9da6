"""What choosing a deployment costs, and counting its attempts: nanoseconds a call, of each strategy.

    python -m bench.routing [--json]

Three deployments in one group, each measured before. One core, one process, the best of seven rounds.
"""

import json
import sys
import time
from collections.abc import Callable
from itertools import cycle
from types import SimpleNamespace
from typing import Any

from turnpike.contract.routes import StickyBy, Strategy
from turnpike.contract.snapshot import ModelSpec, Policies
from turnpike.relay.backend import Backends
from turnpike.relay.routing.plan import Plan, RoutedPlan

_ROUNDS, _TIMES = 7, 20_000


def _target(backends: Backends, number: int) -> Any:
    name = f"d{number}"
    row = ModelSpec(name, "p", "m", "m", (), ())
    backend = backends.of(row, SimpleNamespace(slug="p"), "", Policies())  # pyright: ignore[reportArgumentType]
    backend.gauge.heard(0.1 * (number + 1), 1000.0, [])
    backend.gauge.begin()
    served = SimpleNamespace(deployment_id=name, credential_id=None, provider_id="p", model="m")
    return _Target(backend, served)


class _Target:
    """What strategies look at, in slots as a target's."""

    __slots__ = ("backend", "breaker", "gauge", "rates", "served")

    def __init__(self, backend: Any, served: Any) -> None:
        self.backend, self.served = backend, served
        self.breaker, self.gauge = backend.breaker, backend.gauge
        self.rates = None


def _ns(work: Callable[[], object]) -> float:
    work()
    best = float("inf")
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        for _ in range(_TIMES):
            work()
        best = min(best, time.perf_counter() - began)
    return best / _TIMES * 1e9


def _calls() -> Any:
    """A hundred callers with a session each, who come again."""
    entry = SimpleNamespace(caller=SimpleNamespace(user_id="u"))
    made = [
        SimpleNamespace(body=b"", entry=entry, head=SimpleNamespace(session=b"session %d" % at)) for at in range(100)
    ]
    return cycle(made)


def measure() -> dict[str, float]:
    backends = Backends()
    targets = [_target(backends, number) for number in range(3)]
    group = [(each, 1) for each in targets]
    calls = _calls()
    empty = _ns(lambda: next(calls))
    found: dict[str, float] = {}
    plain = Plan("m", group, [])
    found["plain"] = _ns(lambda: plain.choose(1001.0, next(calls))) - empty
    for strategy in Strategy:
        plan = RoutedPlan("m", [group], strategy, StickyBy.SESSION, (), "r")
        found[strategy.value] = _ns(lambda plan=plan: plan.choose(1001.0, next(calls))) - empty
    backend = targets[0].backend

    def attempt() -> None:
        probe = backend.begin()
        backend.answered_plain(0.1, 1001.0, probe=probe)

    found["begin and end"] = _ns(attempt)
    backend.gauge.whole_s.clear()
    return {name: round(cost) for name, cost in found.items()}


def main() -> None:
    found = measure()
    if "--json" in sys.argv:
        print(json.dumps(found))
        return
    for name, cost in found.items():
        print(f"{name:16}{cost:8.0f} ns")


if __name__ == "__main__":
    main()
