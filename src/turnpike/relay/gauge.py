"""What a relay knows of how a deployment fares: what it has in hand, how fast it answers, how often it fails.

Strategies of routes choose by it, and the limit of concurrent calls follows it. One per deployment and credential, the
same from snapshot to snapshot. Times are monotonic seconds.
"""


class Gauge:
    __slots__ = ("failing", "in_flight", "latency_s", "rests_until", "seen")

    def __init__(self) -> None:
        self.in_flight = 0
        """Attempts sent and not over."""
        self.latency_s = 0.0
        """Peak-EWMA of the time to the first byte: rises at once, falls slowly. 0: never asked."""
        self.failing = 0.0
        """EWMA of failures: 0 all is well, 1 nothing is."""
        self.rests_until = 0.0
        """Until when the provider asked to be left alone (Retry-After)."""
        self.seen = 0.0
        """When `latency_s` was last moved."""
