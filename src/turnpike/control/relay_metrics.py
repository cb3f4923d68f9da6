"""All relays' counters as one: what /metrics shows. A relay that left takes nothing away from a total."""

from collections.abc import Iterable

from turnpike.contract.backends import BackendState
from turnpike.contract.metrics import METRICS, Sample

_KINDS = {metric.name: metric.kind for metric in METRICS}
_LOWEST = frozenset({"turnpike_snapshot_version"})
_HIGHEST = frozenset(
    {
        "turnpike_breaker_open", "turnpike_breaker_state", "turnpike_cooldown_seconds", "turnpike_provider_unhealthy",
        "turnpike_backend_latency_seconds", "turnpike_backend_failing", "turnpike_queue_age_seconds",
        "turnpike_shed_level", "turnpike_loop_lag_seconds",
    }
)  # fmt: skip
_KEPT_DEPARTED = 64

Series = dict[tuple[str, tuple[str, ...]], Sample]


class RelayMetrics:
    """`relay_id` is a relay's incarnation: a restarted relay is another one, and begins at nought."""

    def __init__(self) -> None:
        self._relays: dict[str, tuple[Sample, ...]] = {}
        self._departed: dict[str, tuple[Sample, ...]] = {}
        self._base: Series = {}
        self._states: dict[str, tuple[int, tuple[BackendState, ...]]] = {}

    def update(self, relay_id: str, samples: Iterable[Sample]) -> None:
        """A relay's totals since its start; they replace what it said before."""
        self._departed.pop(relay_id, None)  # it lost its connection and is back
        self._relays[relay_id] = tuple(samples)

    def departed(self, relay_id: str) -> None:
        """Its counters stay in the totals, its gauges go."""
        self._states.pop(relay_id, None)
        samples = self._relays.pop(relay_id, None)
        if samples is None:
            return
        self._departed[relay_id] = tuple(sample for sample in samples if _kind(sample) != "gauge")
        while len(self._departed) > _KEPT_DEPARTED:
            oldest = self._departed.pop(next(iter(self._departed)))
            for sample in oldest:
                _add(self._base, sample)

    def seen(self, relay_id: str, number: int, states: tuple[BackendState, ...]) -> None:
        """What a relay knows of deployments; it replaces what it said before. `number`: by which people know it."""
        self._states[relay_id] = (number, states)

    def states(self) -> dict[int, tuple[BackendState, ...]]:
        """By the numbers of the relays that are connected."""
        return dict(self._states.values())

    def relays(self) -> list[str]:
        """Those that are connected."""
        return sorted(self._relays)

    def merged(self) -> list[Sample]:
        """One sample a series, in the order of their names and labels."""
        merged = dict(self._base)
        for samples in (*self._departed.values(), *self._relays.values()):
            for sample in samples:
                _add(merged, sample)
        return [merged[key] for key in sorted(merged)]


def _kind(sample: Sample) -> str:
    return _KINDS.get(sample.name, "gauge")


def _add(series: Series, sample: Sample) -> None:
    key = (sample.name, sample.labels)
    other = series.get(key)
    series[key] = sample if other is None else _merge(other, sample)


def _merge(left: Sample, right: Sample) -> Sample:
    if left.name in _LOWEST:
        return min(left, right, key=lambda sample: sample.value)
    if left.name in _HIGHEST:
        return max(left, right, key=lambda sample: sample.value)
    buckets = tuple(a + b for a, b in zip(left.buckets, right.buckets, strict=False))
    return Sample(left.name, left.labels, left.value + right.value, buckets)
