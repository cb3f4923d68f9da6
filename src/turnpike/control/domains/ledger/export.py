"""The ledger as a file: CSV or NDJSON, written while it is read, so that its size does not matter to memory."""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import msgspec

from turnpike.control.db.database import Database
from turnpike.control.domains.ledger import repository
from turnpike.control.domains.ledger.repository import Row, RowFilter
from turnpike.control.domains.ledger.views import FIELDS, row_fields
from turnpike.control.rights.policy import Scope

CHUNK_ROWS = 1000
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8; header=present", "ndjson": "application/x-ndjson"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_encode = msgspec.json.Encoder().encode


async def export(database: Database, scope: Scope, wanted: RowFilter, form: str) -> AsyncIterator[bytes]:
    """Parts of the file. The first one is read before anything is yielded.

    Each part has a transaction of its own, so that an export of hours keeps nothing from the database; rows that
    arrive meanwhile and lie behind the place that was reached are included.
    """
    write = _WRITERS[form]
    after: tuple[int, bytes] | None = None
    first = True
    while True:
        async with database.read() as session:
            rows = await repository.rows_after(session, scope, wanted, after, CHUNK_ROWS)
        if rows or first:
            yield write(rows, first)
        if len(rows) < CHUNK_ROWS:
            return
        first = False
        after = (rows[-1]["started_at_ms"], bytes(rows[-1]["event_id"]))


def _ndjson(rows: Sequence[Row], _: bool) -> bytes:
    return b"".join(_encode(row_fields(row)) + b"\n" for row in rows)


def _csv(rows: Sequence[Row], with_header: bool) -> bytes:
    """RFC 4180. Booleans are `true` and `false`, nothing is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    if with_header:
        writer.writerow(FIELDS)
    for row in rows:
        writer.writerow([_cell(value) for value in row_fields(row).values()])
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula is made plain by an apostrophe in front."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return _encode(value).decode() if value else ""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value


_WRITERS: dict[str, Callable[[Sequence[Row], bool], bytes]] = {"csv": _csv, "ndjson": _ndjson}
