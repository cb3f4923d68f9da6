"""What calls that end well are counted in: plain additions, on the path of every call."""

from bisect import bisect_left
from collections import Counter

from turnpike.contract.metrics import DURATION_BUCKETS_S, Sample


class Histogram:
    """Durations in seconds."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(DURATION_BUCKETS_S) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(DURATION_BUCKETS_S, seconds)] += 1
        self.total += seconds

    def add(self, other: "Histogram") -> None:
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def sample(self, name: str, labels: tuple[str, ...]) -> Sample:
        return Sample(name, labels, self.total, tuple(self.counts))


class Tally:
    """Calls of one endpoint that one provider served for one model."""

    __slots__ = ("cost_nanousd", "durations", "failed", "input_tokens", "output_tokens", "statuses", "unpriced")

    def __init__(self) -> None:
        self.durations = Histogram()
        """Of calls with status 200."""
        self.statuses: Counter[int] = Counter()
        """All other calls."""
        self.failed = Histogram()
        """Durations of those."""
        self.input_tokens = 0
        self.output_tokens = 0
        self.cost_nanousd = 0
        self.unpriced = 0
