"""What a command says: tables and lines for a person, JSON for a script, one line for an error."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from turnpike.cli.options import Common

Row = Mapping[str, Any]
_PIPE_WIDTH = 1000
Column = tuple[str, Callable[[Row], object]]
"""Heading, and how a cell comes out of a row."""


class Output:
    """Standard output is the answer; standard error is what is said beside it."""

    def __init__(self, common: Common) -> None:
        self.json = common.json
        # A pipe has no width: what reads it wants one row a line.
        self._console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPE_WIDTH)

    def result(self, value: object, *lines: str) -> None:
        """`value` for a script, `lines` (rich markup) for a person."""
        if self.json:
            print_json(value)
            return
        for line in lines:
            self._console.print(line)

    def table(self, rows: Sequence[Row], columns: Sequence[Column], *, empty: str) -> None:
        """`empty` is what a person reads when there is no row."""
        if self.json:
            print_json(rows)
            return
        if not rows:
            self._console.print(empty)
            return
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for heading, _ in columns:
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(cell(value(row)) for _, value in columns))
        self._console.print(table)

    def more(self, rows: Sequence[Row], columns: Sequence[Column], *, empty: str, first: bool) -> None:
        """Some of a list that goes on: a row a line for a script; no further word where nothing has come."""
        if self.json:
            for row in rows:
                sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
            sys.stdout.flush()
        elif rows or first:
            self.table(rows, columns, empty=empty)

    def beside(self, line: str) -> None:
        """For a person only, on standard error: a script never sees it."""
        if not self.json:
            sys.stderr.write(line + "\n")


def cell(value: object) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, Iterable):
        return ", ".join(cell(one) for one in value) or "-"
    return escape(str(value))


def print_json(value: object) -> None:
    text = msgspec.json.encode(value)
    sys.stdout.write(msgspec.json.format(text, indent=2).decode() + "\n")


def field(name: str) -> Callable[[Row], object]:
    return lambda row: row.get(name)


def when(name: str) -> Callable[[Row], object]:
    """An RFC 3339 time without its fraction."""

    def short(row: Row) -> object:
        value = row.get(name)
        return value.split(".")[0].rstrip("Z").replace("T", " ") + "Z" if isinstance(value, str) else None

    return short
