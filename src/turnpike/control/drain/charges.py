"""Which budgets the rows of a batch are charged to, and the statements that do it.

Computed of the rows that are really put in, in their transaction: a counter is the sum of its rows, to the
nano-dollar, whatever crashes between reading and deleting.
"""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from turnpike.contract.budgets import read_charge
from turnpike.control.drain.rows import COLUMNS, Row
from turnpike.kit.clock import now_ms

_COST = COLUMNS.index("cost_nanousd")
_HOME = ".home"
"""Ends the name of a file beside the folder."""


class Charged(NamedTuple):
    """Of one event."""

    counters: tuple[str, ...]
    holder: str
    """Who held the money that it cost."""


Charges = Mapping[bytes, Charged]
NONE: Charges = {}


class Sums(NamedTuple):
    counters: list[tuple[str, int, int, int]]
    """Budget, start of its period, nano-dollars, now; sorted, so that two writers never wait for each other."""
    slices: list[tuple[int, str, int, str]]
    """Nano-dollars, budget, start, holder."""


def sums_of(rows: Iterable[Row], charges: Charges) -> Sums:
    if not charges:
        return Sums([], [])
    counters: dict[tuple[str, int], int] = {}
    slices: dict[tuple[str, int, str], int] = {}
    for row in rows:
        charged = charges.get(row[0])
        if charged is None:
            continue
        for text in charged.counters:
            charge = read_charge(text)
            if charge is None:
                continue
            amount = charge.amount(row[_COST])
            if not amount:
                continue
            key = (charge.budget_id, charge.start_ms)
            counters[key] = counters.get(key, 0) + amount
            slices[*key, charged.holder] = slices.get((*key, charged.holder), 0) + amount
    at = now_ms()
    return Sums(
        [(*key, amount, at) for key, amount in sorted(counters.items())],
        [(amount, *key) for key, amount in sorted(slices.items())],
    )


def dead(holders: Sequence[str], journals: Path) -> list[str]:
    """Holders of this home whose folder is gone: all that they ever wrote is in the ledger."""
    return [holder for holder in holders if not (journals / holder).exists()]


def home_of(journals: Path) -> str:
    """A name for a folder of journals, kept beside it. Made at the first asking. Raises OSError."""
    path = journals.with_name(journals.name + _HOME)
    try:
        found = path.read_text().strip()
    except FileNotFoundError:
        found = ""
    if found:
        return found
    made = secrets.token_hex(16)
    partial = path.with_name(f"{path.name}.{made}")
    partial.write_text(made)
    try:
        path.hardlink_to(partial)
    except FileExistsError:
        made = path.read_text().strip()
    finally:
        partial.unlink(missing_ok=True)
    return made
