"""What people write on a command line, made into what the API takes."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from turnpike.errors import InvalidRequest
from turnpike.kit.clock import rfc3339

_SPAN = re.compile(r"(\d+)\s*([mhdw])")
_UNIT = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def words(values: Iterable[str] | None) -> list[str]:
    """A list option may be repeated and each value may hold several, separated by commas. Order kept, no doubles."""
    found = (word.strip() for value in values or () for word in value.split(","))
    return list(dict.fromkeys(word for word in found if word))


NEVER = "never"


def moment(text: str, now: datetime | None = None) -> str | None:
    """`30d`, `12h`, `45m`, `2w`, a date (its end, in this machine's zone), a time with or without a zone, or `never`.

    Returns RFC 3339 in UTC, None for never. Raises InvalidRequest for anything else, and for what is over already.
    """
    wish = text.strip().lower()
    if wish == NEVER:
        return None
    now = now or datetime.now(UTC)
    try:
        end = _span(wish, now) or _written(text.strip())
    except (ValueError, OverflowError):
        raise InvalidRequest(
            f"--expires {text!r} is no time; write 30d, 12h, a date such as 2030-01-31, or never"
        ) from None
    if end <= now:
        raise InvalidRequest(f"--expires {text!r} is over already")
    return rfc3339(end)


def past(text: str, option: str, now: datetime | None = None) -> str:
    """`24h` (so long ago), a date (its beginning, in this machine's zone) or a time. RFC 3339 in UTC.

    Raises InvalidRequest for anything else.
    """
    now = now or datetime.now(UTC)
    try:
        ahead = _span(text.strip().lower(), now)
        found = now - (ahead - now) if ahead else datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidRequest(f"{option} {text!r} is no time; write 24h, 2026-01-31 or 2026-01-31T08:00") from None
    return rfc3339(found)


def _span(wish: str, now: datetime) -> datetime | None:
    match = _SPAN.fullmatch(wish)
    return now + timedelta(**{_UNIT[match[2]]: int(match[1])}) if match else None


def _written(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if len(text) == len("2030-01-31"):
        found = datetime.combine(found.date(), time(23, 59, 59))
    return found.astimezone()
