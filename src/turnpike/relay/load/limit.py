"""How many attempts a deployment is given at a time: found out by its latency, and halved when it says that it has too
much to do.

The gradient follows Netflix's concurrency-limits (Gradient2): recent latency against what is usual. It begins wide
open and closes on evidence, from what really was in hand; so a deployment that is well is never held back. Latencies of
whole answers and of streams are apart, and the healthier of the two counts: a change of the mix is no overload. Looked
at in windows, each of enough answers; of a window its lower quartile stands for all, since long answers take long at
any load, but an overloaded server is slow with short ones too.
"""

from math import sqrt

LOWEST = 4
_ENOUGH = 10
"""Answers that a window needs."""
_LOOKED_AT = 200
"""Answers of a window that are looked at."""
_TOLERANCE = 2.0
_TOLERATED_S = 0.1
"""A rise that nobody minds in a model's answer, however fast it usually is."""
_STEEPEST = 0.5
_SMOOTHING = 0.4
_GROWTH = 0.05
_EVIDENT = 8
"""Attempts in hand that a latency says something of: fewer do not overload anybody."""
_LEARNS, _LEARNS_SLOWLY = 0.1, 0.02
_HALVED_EVERY_S = 1.0
_DRIFT = 1.02
"""Growth per window while nothing speaks against it and the limit is not reached."""


class _Usual:
    """What one kind of answer takes, and how the last window compares."""

    __slots__ = ("usual_s",)

    def __init__(self) -> None:
        self.usual_s = 0.0

    def gradient(self, samples: list[float], peak: int, limit: float) -> float | None:
        """1: as usual; less: slower. None: too few to tell.

        What is slower becomes the usual only where our own load cannot be the reason: else an overload would teach us
        that it is how things are.
        """
        if len(samples) < _ENOUGH:
            return None
        recent = sorted(samples[-_LOOKED_AT:])
        quartile_s = recent[len(recent) // 4]
        usual_s = self.usual_s or quartile_s
        bound_s = _TOLERANCE * usual_s + _TOLERATED_S
        if quartile_s <= usual_s or peak < _EVIDENT:
            usual_s += (quartile_s - usual_s) * _LEARNS
        elif quartile_s <= bound_s and peak * 2 <= limit:
            usual_s += (quartile_s - usual_s) * _LEARNS_SLOWLY
        self.usual_s = usual_s
        return max(_STEEPEST, min(1.0, bound_s / quartile_s)) if quartile_s else 1.0


class GradientLimit:
    """`value` is the limit. Times are monotonic seconds."""

    __slots__ = ("_adaptive", "_halved_at", "_highest", "_streamed", "_whole", "value")

    def __init__(self, highest: int = 1024) -> None:
        self._highest = highest
        self._adaptive = True
        self._whole = _Usual()
        self._streamed = _Usual()
        self._halved_at = -_HALVED_EVERY_S
        self.value = float(highest)

    def configure(self, highest: int, *, adaptive: bool) -> None:
        """A new cap; what was found out stays."""
        before, self._highest = self._highest, max(1, highest)
        self._adaptive = adaptive
        if not self._adaptive or self.value >= before:
            self.value = float(self._highest)
        self.value = min(self.value, float(self._highest))

    @property
    def lowest(self) -> float:
        return float(min(LOWEST, self._highest))

    def look(self, whole_s: list[float], streamed_s: list[float], peak: int) -> bool:
        """Judges what was measured since the last time, and empties the lists that were long enough for it. Returns
        whether one was."""
        found: list[float] = []
        for usual, samples in ((self._whole, whole_s), (self._streamed, streamed_s)):
            gradient = usual.gradient(samples, peak, self.value)
            if gradient is not None:
                found.append(gradient)
                samples.clear()
        if found and self._adaptive:
            self._move(max(found), peak)
        return bool(found)

    def _move(self, gradient: float, peak: int) -> None:
        value = self.value
        if gradient < 1.0:
            if peak < _EVIDENT:
                return
            # What was in hand was too much, wherever the limit was: that is what is made less.
            base = min(value, float(peak))
            wanted = base * gradient + sqrt(base)
            value = base + (wanted - base) * _SMOOTHING if wanted < base else min(value, wanted)
        elif peak * 2 > value:
            value += max(sqrt(value) * _SMOOTHING, value * _GROWTH)
        else:
            value *= _DRIFT
        self.value = min(float(self._highest), max(self.lowest, value))

    def halve(self, in_flight: int, now: float) -> None:
        """The deployment says that it has too much to do. What came in the same breath counts once."""
        if not self._adaptive or now - self._halved_at < _HALVED_EVERY_S:
            return
        self._halved_at = now
        self.value = max(self.lowest, min(self.value, float(in_flight)) / 2)

    def drift(self) -> None:
        """A second went by without enough answers to judge by: what was known grows old."""
        self.value = min(float(self._highest), self.value + max(1.0, self.value * 0.05))
