"""What a relay knows of how a deployment fares: what it has in hand, how fast it answers, how often it fails.

Strategies of routes choose by it, and the limit of concurrent calls follows it. One per deployment and credential, the
same from snapshot to snapshot. Times are monotonic seconds. Filled by `turnpike.relay.backend`, at the begin and the
end of every attempt.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnpike.relay.load.fair import FairQueue
    from turnpike.relay.load.queue import Waits

OPEN_END = 1_000_000_000
"""Room without a limit."""
RECENT_S = 10
"""What `recent` looks back."""
_DECAY_S = 10.0
"""How fast the peak falls: half of the way to a lower latency in so many seconds."""
_FAILING_STEP = 0.1
_NOTHING = 0.01


class Gauge:
    __slots__ = (
        "_marks", "asleep", "begun", "failing", "in_flight", "latency_s", "limit", "on_room", "on_wake", "peak",
        "queue", "rests_until", "room", "seen", "slowest_s", "streamed_s", "whole_s",
    )  # fmt: skip

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
        self.begun = 0
        """Attempts, ever."""
        self.limit = OPEN_END
        """Attempts that may be in hand at a time."""
        self.room = OPEN_END
        """What a newcomer compares `in_flight` with: the limit, or 0 while others wait for it."""
        self.queue: FairQueue[Waits] | None = None
        """Who waits for room, once somebody has."""
        self.peak = 0
        """Most attempts in hand, since the limit was last looked at."""
        self.slowest_s = 0.0
        """The longest wait for a first byte; forgotten by and by."""
        self.whole_s: list[float] = []
        """Times to the first byte since the limit was last looked at: of whole answers, and of streams."""
        self.streamed_s: list[float] = []
        self.asleep = True
        """Nobody looks at it: nothing was sent for a while."""
        self.on_wake: Callable[[], None] | None = None
        self.on_room: Callable[[], None] | None = None
        """Told when an attempt ends while calls wait."""
        self._marks: deque[int] = deque((0,), maxlen=RECENT_S)
        """`begun`, second by second; the first stands for the time before it was ever asked."""

    def begin(self) -> None:
        self.begun += 1
        self.in_flight += 1
        if self.asleep:
            self.wake()

    def wake(self) -> None:
        """The first attempt after a quiet while."""
        self.asleep = False
        if self.on_wake is not None:
            self.on_wake()

    def end(self) -> None:
        """Once for every `begin`."""
        in_flight = self.in_flight
        if in_flight > self.peak:  # noqa: PLR1730 - half the price
            self.peak = in_flight
        self.in_flight = in_flight - 1
        if self.queue is not None and self.on_room is not None:
            self.on_room()

    def heard(self, seconds: float, now: float, samples: list[float]) -> None:
        """The first byte of an answer came after so many seconds; `samples` is `whole_s` or `streamed_s`."""
        samples.append(seconds)
        if seconds > self.slowest_s:  # noqa: PLR1730 - half the price
            self.slowest_s = seconds
        known = self.latency_s
        if seconds >= known:
            self.latency_s = seconds
        else:
            passed = now - self.seen
            self.latency_s = known + (seconds - known) * passed / (passed + _DECAY_S)
        self.seen = now
        if self.failing:
            self.well()

    def well(self) -> None:
        """An attempt went well, after some that had not."""
        failing = self.failing * (1 - _FAILING_STEP)
        self.failing = failing if failing > _NOTHING else 0.0

    def unwell(self) -> None:
        self.failing += (1 - self.failing) * _FAILING_STEP

    @property
    def recent(self) -> int:
        """Attempts begun in the last ten seconds, about."""
        return self.begun - (self._marks[0] if self._marks else 0)

    def mark(self) -> None:
        """Called once a second."""
        self._marks.append(self.begun)
        self.slowest_s *= 0.998  # half in six minutes

    @property
    def quiet(self) -> bool:
        """Nothing is in hand, and nothing was for as long as `recent` looks back."""
        return not self.in_flight and len(self._marks) == RECENT_S and self._marks[0] == self.begun

    def sleep(self) -> None:
        self._marks.clear()
        self._marks.append(self.begun)
        self.asleep = True
