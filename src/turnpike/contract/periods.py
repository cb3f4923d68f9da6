"""When a budget's period begins and ends. Pure, and the same for relays and control.

Days, weeks (from Monday) and months begin at midnight in the budget's time zone. A rolling budget has no periods of
its own but buckets, a twenty-fourth of its length: what was spent in the buckets that the last `length_ms` touch is
its sum, so the oldest counts whole until all of it is over.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

import msgspec

DAY, WEEK, MONTH, TOTAL, ROLLING = "day", "week", "month", "total", "rolling"
PERIODS = (DAY, WEEK, MONTH, TOTAL, ROLLING)
BUCKETS = 24
FOR_EVER_MS = 253_402_300_799_000
"""The end of the year 9999."""
_QUARTER_MS = 900_000
_DAY_MS = 96 * _QUARTER_MS


class Span(msgspec.Struct, frozen=True, gc=False):
    period: str
    zone: str = "UTC"
    """IANA name."""
    length_ms: int = 0
    """Of a rolling budget: at least an hour."""

    @property
    def bucket_ms(self) -> int:
        return max(1, self.length_ms // BUCKETS)

    def of(self, at_ms: int) -> tuple[int, int]:
        """Begin and end (which is the next one's begin) of the period or bucket that a moment lies in."""
        if self.period == TOTAL:
            return 0, FOR_EVER_MS
        if self.period == ROLLING:
            start = at_ms - at_ms % self.bucket_ms
            return start, start + self.bucket_ms
        if self.zone == "UTC" and self.period == DAY:
            start = at_ms - at_ms % _DAY_MS
            return start, start + _DAY_MS
        # Zones are a multiple of a quarter of an hour away from UTC.
        return _civil(self.period, self.zone, at_ms // _QUARTER_MS)

    def counted_from(self, at_ms: int) -> int:
        """The begin of the oldest counter whose spending still counts at a moment."""
        start, _ = self.of(at_ms)
        return max(0, start - self.length_ms) if self.period == ROLLING else start

    def renewed_ms(self, at_ms: int) -> int | None:
        """When there is new money; None: never. Of a rolling budget: when the next bucket begins, which is the first
        moment at which something may fall out."""
        return None if self.period == TOTAL else self.of(at_ms)[1]


@lru_cache(maxsize=1024)
def _civil(period: str, zone: str, quarter: int) -> tuple[int, int]:
    where = zone_of(zone)
    first = datetime.fromtimestamp(quarter * _QUARTER_MS // 1000, where).date()
    if period == WEEK:
        first -= timedelta(days=first.weekday())
        after = first + timedelta(days=7)
    elif period == MONTH:
        first = first.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)
    else:
        after = first + timedelta(days=1)
    return _midnight(first.year, first.month, first.day, where), _midnight(after.year, after.month, after.day, where)


def _midnight(year: int, month: int, day: int, where: tzinfo) -> int:
    return int(datetime(year, month, day, tzinfo=where).timestamp()) * 1000


@lru_cache(maxsize=256)
def zone_of(name: str) -> tzinfo:
    """Raises ValueError for a name that is no time zone."""
    if name == "UTC":
        return UTC
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - 8 ms of every relay's start, and few have such a budget

    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"{name[:64]!r} is no time zone; write one like Europe/Berlin or UTC") from error
