"""One journal segment, read as far as it goes: payloads out, damage stepped over and counted.

Read with `pread`, not through a map: a file that shrinks or a failing disk is then an error and not a signal that
ends the process.
"""

import os
from collections.abc import Callable
from pathlib import Path

from turnpike.contract.journal import (
    ASIDE_SUFFIX,
    FRAME,
    HEADER_BYTES,
    JOURNAL_VERSION,
    SEGMENT_SUFFIX,
    Scan,
    next_frame,
    read_payloads,
    unpack_header,
)

CHUNK_BYTES = 512 * 1024
_SMALLEST = HEADER_BYTES + FRAME.size

Report = Callable[[str, Path, int], None]
"""Told of damage: its kind (`torn`, `corrupt`, `unreadable`, `rejected`), the file, and the place in it."""


class Segment:
    """`finished` once every byte that will ever be there was read; `keep` says why it must not be deleted."""

    def __init__(self, path: Path, report: Report) -> None:
        self.path = path
        self._report = report
        self.sequence = int(path.name.split(".", 1)[0])
        self.size = 0
        self.scan = Scan()
        self.finished = False
        self.released = False
        """Nothing is left to do with it: deleted or set aside."""
        self.open_calls = 0
        """Open records in it whose calls are not in the ledger yet."""
        self.keep: str | None = None
        self.foreign = False
        """Its header is of a later version: nothing in it is known."""
        self._descriptor: int | None = None
        self._torn_at = 0
        self._torn_looks = 0

    # ---- reading

    def read(self, *, last: bool, dead: bool) -> list[bytes]:
        """The next payloads, at most about `CHUNK_BYTES` of them; empty when there are none now.

        `dead`: nobody writes any more. `last`: no later segment has a record; asked only of the dead. Raises OSError.
        """
        while not self.finished:
            if not self._ready(final=dead):
                break
            payloads = self._read_chunk()
            if self.scan.sealed or self.scan.offset + FRAME.size > self.size:
                self._finish()
            if payloads:
                return payloads
            if self.finished or not self._step_over(last=last, dead=dead):
                break
        return []

    def has_records(self) -> bool:
        """Whether anything was ever written behind its header."""
        if self.scan.offset > HEADER_BYTES or self.finished:
            return True
        return self._ready(final=False) and any(self._pread(FRAME.size, HEADER_BYTES))

    def unread_bytes(self) -> int:
        """At most this much of it is not read yet."""
        if self.finished or not self.has_records() or not any(self._pread(FRAME.size, self.scan.offset)):
            return 0
        return self.size - self.scan.offset

    def _read_chunk(self) -> list[bytes]:
        scan = self.scan
        found: list[bytes] = []
        wanted = CHUNK_BYTES
        got = 0
        # An idle segment costs one small read: most looks find nothing new.
        while not found and wanted > got and any(self._pread(FRAME.size, scan.offset)):
            base = scan.offset
            data = self._pread(wanted, base)
            got = len(data)
            found.extend(read_payloads(data, scan, self.size, base))
            wanted = scan.wanted
        return found

    def _ready(self, *, final: bool) -> bool:
        """Whether there is a header; decides what becomes of a file without one when it is `final`."""
        if self.size >= _SMALLEST:
            return True
        data = self._pread(HEADER_BYTES, 0)
        header = unpack_header(data)
        if header is not None and header.version <= JOURNAL_VERSION:
            self.size = self._size_now()
            if self.size >= _SMALLEST:
                return True
        if final:
            if header is None and any(data):
                self._damaged("its header is damaged")
            elif header is not None and header.version > JOURNAL_VERSION:
                self.foreign = True
                self.keep = f"a later version wrote it (journal format {header.version})"
                self._report("unreadable", self.path, 0)
            self._finish()
        return False

    def _step_over(self, *, last: bool, dead: bool) -> bool:
        """Reading stopped before a seal. Returns whether it can go on behind a damaged place.

        While the writer may still be at work on this very place it is left alone, unless an intact record stands
        behind it: the writer goes forward only.
        """
        scan = self.scan
        if not dead and not (scan.torn and self._look_again()):
            return False
        rest = self._pread(self.size - scan.offset, scan.offset)
        place = next_frame(rest)
        if place is not None:
            self._damaged("a record in it is damaged")
            scan.offset += place
            return True
        if not dead:
            return False
        if any(rest):
            if last:
                self._report("torn", self.path, scan.offset)
            else:
                self._damaged("its end is damaged")
        self._finish()
        return False

    def _damaged(self, why: str) -> None:
        self.keep = why
        self._report("corrupt", self.path, self.scan.offset)

    def _look_again(self) -> bool:
        """Whether a torn place was met before: on the second look, the fourth, the eighth, ... for a look is dear."""
        if self._torn_at != self.scan.offset:
            self._torn_at, self._torn_looks = self.scan.offset, 0
        self._torn_looks += 1
        return self._torn_looks > 1 and self._torn_looks & (self._torn_looks - 1) == 0

    def _size_now(self) -> int:
        return os.fstat(self._open()).st_size

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self._descriptor

    def _pread(self, length: int, offset: int) -> bytes:
        return os.pread(self._open(), length, offset)

    # ---- ending

    def _finish(self) -> None:
        self.finished = True
        self.close()

    def release(self) -> None:
        """Deletes the file, or sets it aside when it must be kept. Raises OSError."""
        if self.keep is None:
            self.path.unlink(missing_ok=True)
        elif not self.path.name.endswith(ASIDE_SUFFIX):
            target = self.path.with_name(self.path.name.removesuffix(SEGMENT_SUFFIX) + ASIDE_SUFFIX)
            self.path = self.path.rename(target)
        self.released = True

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
