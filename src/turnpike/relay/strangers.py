"""Who was turned away before it was known who calls: written into the journal at once, so that no crash loses it.

Whoever floods the gateway with guessed keys must not fill the disk: beyond so many in a while, and as long as the
journal cannot be written, like ones are only counted and written together.
"""

import msgspec

from turnpike.contract.refusals import RefusalRecord
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import IdSource
from turnpike.relay.journal import Journal

_EVERY_S = 2.0
_AT_ONCE = 1_000
"""Records in such a time."""
_COUNTED = 1_000
"""Pairs of address and code that are told apart beyond that."""
_encode = msgspec.msgpack.Encoder().encode


class Strangers:
    """One a relay."""

    def __init__(self, journal: Journal, ids: IdSource) -> None:
        self._journal = journal
        self._ids = ids
        self._number = 0
        self._room = _AT_ONCE
        self._counted: dict[tuple[str, str], int] = {}
        self._look_at = 0.0

    def turned_away(self, address: str, code: str) -> None:
        if self._room > 0 and self._journal.fault is None:
            self._room -= 1
            self._write(address, code, 1)
            return
        if (address, code) not in self._counted and len(self._counted) >= _COUNTED:
            address = ""
        self._counted[address, code] = self._counted.get((address, code), 0) + 1

    def sweep(self, now: float) -> None:
        """`now` is monotonic. Called ten times a second."""
        if now >= self._look_at:
            self._look_at = now + _EVERY_S
            self._room = _AT_ONCE
            self.flush()

    def flush(self) -> None:
        if self._counted and self._journal.fault is None:
            counted, self._counted = self._counted, {}
            for (address, code), count in counted.items():
                self._write(address, code, count)

    def _write(self, address: str, code: str, count: int) -> None:
        self._number += 1
        record = RefusalRecord(self._ids.next_bytes(), self._number, now_ms(), address, code, count)
        self._journal.append(_encode(record))
