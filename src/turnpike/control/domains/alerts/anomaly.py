"""Is this hour's spending unlike the hours before it? A robust z-score (Iglewicz and Hoaglin, 1993). Pure.

The median stands for what is usual and the median absolute deviation for how much it varies, so that one mad hour in
the past neither raises the one nor widens the other. It knows no days of the week and no office hours: what comes
every Monday is in the baseline once a week, and one chooses the threshold accordingly.
"""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

MAD_TO_SIGMA = 1.4826
"""The median absolute deviation of a normal distribution, times this, is its standard deviation."""
FEWEST_HOURS = 24
LEAST_SHARE = 0.1
"""Of the median: an even baseline must not make a tenth more an anomaly."""
LEAST_USD = 0.01


class Score(NamedTuple):
    z: float
    usual: float
    """The median, in the unit of what came in."""


def score(now: float, baseline: Sequence[float]) -> Score | None:
    """Dollars. None while the baseline is shorter than a day."""
    if len(baseline) < FEWEST_HOURS:
        return None
    usual = median(baseline)
    spread = MAD_TO_SIGMA * median(abs(value - usual) for value in baseline)
    return Score((now - usual) / max(spread, LEAST_SHARE * usual, LEAST_USD), usual)
