"""How hard a relay is pressed, and which tiers it turns away for it: the lowest first, one more for each second that it
does not help; back one by one, slower, so that it does not swing."""

_RISES_AFTER_S = 1.0
_FALLS_AFTER_S = 3.0
_LAG_STEP = 0.3
_GROWS_BY_S = 1.0
"""A lag counts at most so much above the one before: a machine that was suspended for a minute is not overloaded."""
_RELIEVED = 0.5


class Pressure:
    """Times are monotonic seconds; a signal of 1 or more is too much, below a half is relief."""

    __slots__ = ("_calm_since", "_last_lag_s", "_pressed_since", "lag_s", "level")

    def __init__(self) -> None:
        self.lag_s = 0.0
        """How late the event loop is, smoothed."""
        self._last_lag_s = 0.0
        self.level = 0
        """How many of the lowest tiers are turned away."""
        self._pressed_since: float | None = None
        self._calm_since: float | None = None

    def lagged(self, seconds: float) -> None:
        counted_s = min(seconds, self._last_lag_s + _GROWS_BY_S)
        self._last_lag_s = seconds
        self.lag_s += (counted_s - self.lag_s) * _LAG_STEP

    def look(self, signal: float, tiers: int, now: float) -> None:
        """`signal`: the worst of what is measured. At most `tiers` are turned away."""
        if signal >= 1.0:
            self._calm_since = None
            if self._pressed_since is None:
                self._pressed_since = now
            elif now - self._pressed_since >= _RISES_AFTER_S:
                self.level = min(tiers, self.level + 1)
                self._pressed_since = now
            return
        self._pressed_since = None
        if signal >= _RELIEVED:
            self._calm_since = None
        elif self._calm_since is None:
            self._calm_since = now
        elif now - self._calm_since >= _FALLS_AFTER_S:
            self.level = max(0, self.level - 1)
            self._calm_since = now
