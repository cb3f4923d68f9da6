"""Counts what a relay does. Filled by plain additions on the fast path, read out as contract samples when asked.

Names, labels and buckets are turnpike.contract.metrics'. A call that ends well touches one `Tally`, which stands for
its endpoint, provider and model at once; the series by endpoint, by provider and by model are summed up from tallies
when somebody asks.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

import msgspec

from turnpike.contract.metrics import Sample
from turnpike.relay.tallies import Histogram, Tally


class Labels(msgspec.Struct, frozen=True):
    """What a tally stands for."""

    method: str
    endpoint: str
    backend: str
    model: str
    operation: str


class Metrics:
    """Everything this relay has counted since it started."""

    __slots__ = ("_attempts", "_decisions", "_others", "_retries", "_tallies")

    def __init__(self) -> None:
        self._tallies: dict[Labels, Tally] = {}
        self._others: dict[tuple[str, str, int], Histogram] = {}
        """By method, endpoint and status: requests that no provider served."""
        self._attempts: dict[tuple[str, str], Histogram] = {}
        """By provider and status or error code: attempts that were given up."""
        self._retries: Counter[str] = Counter()
        self._decisions: Counter[tuple[str, str, str]] = Counter()

    def tally(self, labels: Labels) -> Tally:
        found = self._tallies.get(labels)
        if found is None:
            found = self._tallies[labels] = Tally()
        return found

    def count_other(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """A request that no provider served: refused, forwarded, answered here."""
        histogram = self._others.get((method, endpoint, status))
        if histogram is None:
            histogram = self._others[method, endpoint, status] = Histogram()
        histogram.observe(seconds)

    def count_abandoned(self, backend: str, status: str, seconds: float) -> None:
        histogram = self._attempts.get((backend, status))
        if histogram is None:
            histogram = self._attempts[backend, status] = Histogram()
        histogram.observe(seconds)

    def count_retry(self, backend: str) -> None:
        self._retries[backend] += 1

    def count_decision(self, policy: str, guard: str, action: str, count: int) -> None:
        self._decisions[policy, guard, action] += count

    def samples(self) -> Iterator[Sample]:
        """All counted series."""
        requests: Counter[tuple[str, str, str]] = Counter()
        durations: defaultdict[str, Histogram] = defaultdict(Histogram)
        attempts: Counter[tuple[str, str]] = Counter()
        attempt_durations: defaultdict[str, Histogram] = defaultdict(Histogram)
        models: defaultdict[str, Counter[str]] = defaultdict(Counter)
        inferences: Counter[tuple[str, str]] = Counter()
        for labels, tally in self._tallies.items():
            counts = {200: sum(tally.durations.counts), **tally.statuses}
            for status, count in counts.items():
                requests[labels.method, labels.endpoint, str(status)] += count
                attempts[labels.backend, str(status)] += count
                inferences[labels.model, labels.operation] += count
            for histogram in (tally.durations, tally.failed):
                durations[labels.endpoint].add(histogram)
                attempt_durations[labels.backend].add(histogram)
            models[labels.model].update(
                input=tally.input_tokens,
                output=tally.output_tokens,
                cost=tally.cost_nanousd,
                unpriced=tally.unpriced,
            )
        for (method, endpoint, status), histogram in self._others.items():
            requests[method, endpoint, str(status)] += sum(histogram.counts)
            durations[endpoint].add(histogram)
        for (backend, status), histogram in self._attempts.items():
            attempts[backend, status] += sum(histogram.counts)
            attempt_durations[backend].add(histogram)
        yield from (Sample("gateway_requests_total", labels, count) for labels, count in requests.items())
        yield from _histograms("gateway_request_duration_seconds", durations)
        yield Sample("ai_gateway_total", (), sum(requests.values()))
        errors = sum(count for (_, _, status), count in requests.items() if status >= "400")
        yield Sample("ai_gateway_errors_total", (), errors)
        yield from (Sample("ai_gateway_requests_total", labels, count) for labels, count in attempts.items())
        yield from _histograms("ai_gateway_request_duration_seconds", attempt_durations)
        yield from (Sample("inference_requests_total", labels, count) for labels, count in inferences.items())
        yield from (Sample("turnpike_retries_total", (backend,), count) for backend, count in self._retries.items())
        yield from (Sample("turnpike_guard_decisions_total", each, count) for each, count in self._decisions.items())
        for model, counts in models.items():
            yield Sample("turnpike_tokens_total", (model, "input"), counts["input"])
            yield Sample("turnpike_tokens_total", (model, "output"), counts["output"])
            yield Sample("turnpike_cost_nanousd_total", (model,), counts["cost"])
            yield Sample("turnpike_unpriced_requests_total", (model,), counts["unpriced"])


def _histograms(name: str, by_label: dict[str, Histogram]) -> Iterator[Sample]:
    for label, histogram in by_label.items():
        yield histogram.sample(name, (label,))
