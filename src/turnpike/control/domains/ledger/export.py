"""The ledger as a file: CSV or NDJSON, written while it is read, so that its size does not matter to memory."""

from collections.abc import AsyncIterator, Callable, Sequence
from itertools import chain
from typing import Any

import msgspec

from turnpike.control.db.database import Database
from turnpike.control.domains.ledger import repository
from turnpike.control.domains.ledger.repository import Row, RowFilter
from turnpike.control.domains.ledger.views import FIELDS, row_fields
from turnpike.control.rights.policy import Scope
from turnpike.kit.csvrows import csv_rows

CHUNK_ROWS = 1000
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
    cells = ([_cell(value) for value in row_fields(row).values()] for row in rows)
    return csv_rows(chain([FIELDS], cells) if with_header else cells)


def _cell(value: Any) -> Any:
    """What is no single value is JSON."""
    if isinstance(value, list | dict):
        return _encode(value).decode() if value else ""
    return value


_WRITERS: dict[str, Callable[[Sequence[Row], bool], bytes]] = {"csv": _csv, "ndjson": _ndjson}
