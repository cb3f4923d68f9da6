"""When a delivery that failed is tried again."""

import random
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime

FIRST_S = 5.0
FACTOR = 4.0
LONGEST_S = 6 * 3600.0
JITTER = 0.2
LONGEST_ASKED_S = 24 * 3600.0


def delay_s(attempts: int, asked_s: float | None = None, draw: Callable[[], float] = random.random) -> float:
    """After so many attempts: 5 s, 20 s, 80 s, ... up to 6 h, each a fifth more or less, so that what failed together
    does not come back together. What the receiver asked for (`asked_s`) is the least, up to a day."""
    grown = min(LONGEST_S, FIRST_S * FACTOR ** min(attempts - 1, 10))
    spread = grown * (1 - JITTER + 2 * JITTER * draw())
    return max(spread, min(asked_s or 0.0, LONGEST_ASKED_S))


def retry_after_s(text: str | None, now_s: float) -> float | None:
    """A Retry-After header: seconds, or an HTTP date (RFC 9110, 10.2.3). None for anything else."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now_s)
