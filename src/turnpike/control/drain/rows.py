"""Journal records to rows of the ledger, and rows to their totals. Pure.

This runs once for every request that the relays answer, so it is written plainly: a tuple a row, in the order of the
table's columns.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Integer, LargeBinary, SmallInteger, String, inspect

from turnpike.contract.events import Abandoned, OpenRecord, Outcome, Served, UsageEvent, UsageSource
from turnpike.control.db.models.ledger import MEDIA_COUNTS, NAME, LedgerRow, LedgerTotal
from turnpike.kit.clock import utc_day
from turnpike.wire.types.usage import MediaUsage, Usage

Row = tuple[Any, ...]

COLUMNS: tuple[str, ...] = tuple(column.name for column in LedgerRow.__table__.columns)
TOTAL_COLUMNS: tuple[str, ...] = tuple(column.name for column in LedgerTotal.__table__.columns)
TOTAL_KEYS: tuple[str, ...] = tuple(column.name for column in inspect(LedgerTotal).primary_key)
TOTAL_SUMS: tuple[str, ...] = TOTAL_COLUMNS[len(TOTAL_KEYS) + 1 :]

_AT = {name: place for place, name in enumerate(COLUMNS)}
_STARTED, _KEY, _KEY_NAME, _USER = _AT["started_at_ms"], _AT["key_id"], _AT["key_name"], _AT["user_id"]
_DEPARTMENT, _MODEL, _PROVIDER, _DEPLOYMENT = (
    _AT["department_id"], _AT["model"], _AT["provider"], _AT["deployment_id"],
)  # fmt: skip
_OUTCOME, _PRICED, _SOURCE, _COST = _AT["outcome"], _AT["priced"], _AT["usage_source"], _AT["cost_nanousd"]
_ABANDONED, _OPERATION, _MEDIA, _SAVED = _AT["abandoned"], _AT["operation"], _AT["media"], _AT["saved_nanousd"]
_COUNTS = slice(_AT["input_tokens"], _AT["web_searches"] + 1)

DAY_MS = 86_400_000
LAST_MS = 253_402_300_799_999
"""The end of the year 9999: a clock may be wrong, but a row must be readable."""
LARGEST_COUNT = 2**40
"""No request has as many tokens. What an upstream reports beyond it is garbage, and must not overflow a sum."""
LARGEST_COST = 2**50
"""Nano-dollars; above a million dollars for one request."""

_NOTHING = Usage(requests=0)
_OK, _INTERRUPTED = int(Outcome.OK), int(Outcome.INTERRUPTED)
_REPORTED, _NONE = int(UsageSource.REPORTED), int(UsageSource.NONE)
_encode_json = msgspec.json.Encoder().encode


def row_of(event: UsageEvent) -> Row:
    """The ledger's row of one settled request."""
    caller, served, usage = event.caller, event.served, event.usage or _NOTHING
    cost, started, abandoned = event.cost_nanousd, event.started_at_ms, event.abandoned
    if cost is None and event.usage_source == _NONE and not abandoned:
        # Nothing was bought: that is free, and not without a price.
        cost = 0
    row = (
        event.event_id,
        started if 0 <= started <= LAST_MS else min(max(started, 0), LAST_MS),
        _text(event.request_id),
        event.trace_id,
        caller.key_id,
        caller.key_name,
        caller.user_id,
        caller.department_id,
        event.operation,
        event.dialect,
        *_served(served, event.stream, _text(event.model_asked)),
        event.status,
        event.outcome,
        event.error_code,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        usage.reasoning_tokens,
        usage.input_audio_tokens,
        usage.output_audio_tokens,
        usage.cache_read_audio_tokens,
        usage.requests,
        usage.web_searches,
        event.usage_source,
        cost,
        cost is not None and (not abandoned or all(attempt.cost_nanousd is not None for attempt in abandoned)),
        served.price_source if served is not None else None,
        event.first_byte_us,
        event.total_us,
        event.attempts,
        _abandoned_json(abandoned) if abandoned else None,
        event.cache,
        None if usage.media is None else _media_json(usage.media),
        event.path,
        min(max(event.saved_nanousd, 0), LARGEST_COST),
        event.mirror_of,
        None if event.reason is None else _text(event.reason),
    )
    counts: tuple[int, ...] = row[_COUNTS]  # pyright: ignore[reportAssignmentType] - a part of the row in which all are counts
    if max(counts) > LARGEST_COUNT or min(counts) < 0 or (cost is not None and not 0 <= cost <= LARGEST_COST):
        return mended(row)
    return row


def _served(served: Served | None, stream: bool, asked: str) -> Row:
    """The columns from `dialect_out` to `credential_id`."""
    if served is None:
        return (None, stream, asked, asked, None, None, None, None, None)
    return (
        served.dialect,
        stream,
        asked,
        served.model,
        served.upstream_model,
        served.provider_id,
        served.provider,
        served.deployment_id,
        served.credential_id,
    )


def _text(text: str) -> str:
    """What a caller chose: bounded, and without the NUL that PostgreSQL refuses in text."""
    if len(text) > NAME:
        text = text[:NAME]
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _abandoned_json(abandoned: tuple[Abandoned, ...]) -> str:
    attempts = [
        {
            "provider": attempt.served.provider,
            "deployment_id": attempt.served.deployment_id,
            "model": attempt.served.model,
            "upstream_model": attempt.served.upstream_model,
            "status": attempt.status,
            "error_code": attempt.error_code,
            "cost_nanousd": attempt.cost_nanousd,
        }
        for attempt in abandoned
    ]
    return _encode_json(attempts).decode().replace("\\u0000", "\ufffd")


_TEXTS = ("image_class", "service_tier")


def _media_json(media: MediaUsage) -> str | None:
    """What is not zero, bounded as the other counts are; None when all is."""
    found: dict[str, int | str] = {}
    for name in MediaUsage.__struct_fields__:
        value = getattr(media, name)
        if value and name in _TEXTS:
            found[name] = _text(value)
        elif value:
            found[name] = max(0, min(value, LARGEST_COUNT))
    return _encode_json(found).decode().replace("\\u0000", "\ufffd") if found else None


def interrupted_row(attempts: Sequence[OpenRecord], *, charge: bool) -> Row:
    """The row of a call that a dead relay left open: what it used is unknown, its cost is its reservation or nothing.

    `attempts` are its open records, the last one is the one that was cut.
    """
    last = attempts[-1]
    priced = last.served.price_source is not None
    cost = last.reserved_nanousd if charge and (priced or last.reserved_nanousd) else 0 if priced else None
    event = UsageEvent(
        event_id=last.event_id,
        started_at_ms=last.started_at_ms,
        request_id=last.request_id,
        trace_id=last.trace_id,
        caller=last.caller,
        operation=last.operation,
        dialect=last.dialect,
        stream=last.stream,
        model_asked=last.model_asked,
        served=last.served,
        status=0,
        outcome=_INTERRUPTED,
        error_code="INTERRUPTED",
        usage=None,
        usage_source=UsageSource.UNKNOWN,
        cost_nanousd=cost,
        first_byte_us=0,
        total_us=0,
        attempts=last.attempt,
        path=last.path,
        mirror_of=last.mirror_of,
    )
    return row_of(event)


# ---- totals


def day_of(ms: int) -> str:
    """`utc_day`, remembered: most rows are of the same day."""
    number = ms // DAY_MS
    text = _days.get(number)
    if text is None:
        if len(_days) > 1000:
            _days.clear()
        text = _days[number] = utc_day(ms)
    return text


_days: dict[int, str] = {}


def totals_of(rows: Iterable[Row]) -> list[Row]:
    """Sums by the key of `ledger_totals`, in the order of that key, so that two writers never wait for each other in
    a circle. Each is a row of that table."""
    sums: dict[Row, list[Any]] = {}
    for row in rows:
        key = (
            day_of(row[_STARTED]),
            row[_USER],
            row[_KEY],
            row[_DEPARTMENT] or "",
            row[_MODEL],
            row[_PROVIDER] or "",
            row[_DEPLOYMENT] or "",
            row[_OPERATION],
        )
        counts = (
            1,
            row[_OUTCOME] == _OK,
            not row[_PRICED],
            row[_SOURCE] not in (_REPORTED, _NONE) or row[_ABANDONED] is not None,
            *row[_COUNTS],
        )
        total = sums.get(key)
        if total is None:
            total = sums[key] = [row[_KEY_NAME], *map(int, counts), *_NO_MEDIA, row[_COST] or 0, row[_SAVED]]
        else:
            total[0] = row[_KEY_NAME]
            for place, count in enumerate(counts, 1):
                total[place] += count
            total[-2] += row[_COST] or 0
            total[-1] += row[_SAVED]
        if row[_MEDIA] is not None:
            _add_media(total, row[_MEDIA])
    return [(*key, *sums[key]) for key in sorted(sums)]


_NO_MEDIA = (0,) * len(MEDIA_COUNTS)


def _add_media(total: list[Any], media: str | dict[str, Any]) -> None:
    """Most rows have none: those that do are read here, so that the others need not carry a dozen zeros."""
    counts: dict[str, Any] = msgspec.json.decode(media) if isinstance(media, str) else media
    for place, name in enumerate(MEDIA_COUNTS, -2 - len(MEDIA_COUNTS)):
        total[place] += counts.get(name, 0)


# ---- what would not fit


def mended(row: Row) -> Row:
    """The same row with every value made to fit its column: texts cut and freed of NUL, numbers bounded.

    Dear, and only for a row with an absurd figure or one that the database refused.
    """
    return tuple(_fit(value, column) for value, column in zip(row, LedgerRow.__table__.columns, strict=True))


_LARGEST = {"started_at_ms": LAST_MS, "cost_nanousd": LARGEST_COST, "saved_nanousd": LARGEST_COST}


def _fit(value: Any, column: Any) -> Any:
    if value is None or isinstance(column.type, LargeBinary | JSON):
        return value
    if isinstance(column.type, String):
        return str(value).replace("\0", "\ufffd")[: column.type.length]
    if isinstance(value, bool):
        return value
    largest = _LARGEST.get(column.name, LARGEST_COUNT)
    if isinstance(column.type, SmallInteger):
        largest = 2**15 - 1
    elif isinstance(column.type, Integer) and not isinstance(column.type, BigInteger):
        largest = 2**31 - 1
    return max(0, min(int(value), largest))
