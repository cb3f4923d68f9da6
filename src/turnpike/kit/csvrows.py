"""Rows of CSV by RFC 4180, safe to be opened in a spreadsheet."""

import csv
import io
from collections.abc import Iterable

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_rows(rows: Iterable[Iterable[object]]) -> bytes:
    """Booleans are `true` and `false`, nothing is an empty cell. Text that a spreadsheet would take for a formula is
    made plain by an apostrophe in front."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return value
