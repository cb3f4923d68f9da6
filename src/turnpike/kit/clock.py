"""Wall-clock times as the house writes them: integers of milliseconds inside, RFC 3339 UTC at the edges."""

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the epoch, UTC."""
    return time.time_ns() // 1_000_000


def utc_now() -> datetime:
    return datetime.now(UTC)


def from_ms(ms: int) -> datetime:
    """An aware UTC datetime."""
    return datetime.fromtimestamp(ms / 1000, UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-05-30T10:00:00.000Z`: UTC, milliseconds, always the same width."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_day(ms: int) -> str:
    """`2026-05-30`: the UTC day that a moment lies in."""
    return from_ms(ms).strftime("%Y-%m-%d")
