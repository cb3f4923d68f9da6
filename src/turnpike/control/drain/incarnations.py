"""One relay incarnation's folder: its segments in order, the calls that are open in them, whether it still lives."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from turnpike.contract.events import GuardRecord, OpenRecord, UsageEvent
from turnpike.contract.journal import (
    ASIDE_SUFFIX,
    GRACE_S,
    LOCK_NAME,
    SEGMENT_SUFFIX,
    OpenHead,
    decode_quickly,
    decode_record,
    lock_folder,
)
from turnpike.contract.refusals import RefusalRecord
from turnpike.control.drain.segments import Report, Segment

EVENT_ID_BYTES = 16


class _AnyHead(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The beginning of a record of any kind, one that a later version brings included."""

    tag: int
    event_id: bytes


_decode_head = msgspec.msgpack.Decoder(_AnyHead).decode


class Incarnation:
    """Segments are read in order; a call is held in `_open` from its open record until its row is committed."""

    def __init__(self, folder: Path, seen_at: float, report: Report) -> None:
        self.folder = folder
        self.name = folder.name
        self.segments: list[Segment] = []
        self.dead = False
        self.ended = False
        """Dead, and nothing is left to do: the folder is gone, or holds only what was set aside."""
        self.first_pass = True
        """Segments that were there at the start may hold opens whose settled segments were deleted before it."""
        self.reached_end = False
        self._uncommitted_bytes = 0
        self._seen_at = seen_at
        self._report = report
        self._last_read: set[Segment] = set()
        self.decisions: list[GuardRecord] = []
        self.refusals: list[RefusalRecord] = []
        """Read and not written yet."""
        self._open: dict[bytes, list[tuple[Segment, bytes]]] = {}
        self._unknown_ids: set[bytes] = set()
        self._unknown_any = False
        self._lock: int | None = None
        self._known: set[int] = set()

    # ---- looking

    def look(self, now: float) -> None:
        """Notices new segments and its relay's death. `now` is monotonic. Raises OSError."""
        if not self.dead:
            self._lock = lock_folder(self.folder)
            # Locked first and listed then: what is listed now is all that will ever be.
            self.dead = self._lock is not None
        for path in self._paths():
            sequence = int(path.name.split(".", 1)[0])
            if sequence not in self._known:
                self._known.add(sequence)
                self.segments.append(Segment(path, self._report))
        self.segments.sort(key=lambda segment: segment.sequence)
        if self.dead and not self.segments and not self._known and now - self._seen_at < GRACE_S:
            # Perhaps it is only about to begin: between making its folder and taking the lock.
            self._unlock()
            self.dead = False

    def _paths(self) -> list[Path]:
        suffixes = (SEGMENT_SUFFIX, ASIDE_SUFFIX)
        with os.scandir(self.folder) as entries:
            names = [entry.name for entry in entries if entry.name.endswith(suffixes)]
        return [self.folder / name for name in sorted(names) if name.split(".", 1)[0].isdigit()]

    # ---- reading

    def read(self, limit: int) -> list[UsageEvent]:
        """Up to about `limit` settled calls that were not read before; empty when there are none now.

        Raises OSError.
        """
        events: list[UsageEvent] = []
        self._last_read.clear()
        for segment in self._unread():
            last = self.dead and not any(other.has_records() for other in self._after(segment))
            while len(events) < limit:
                payloads = segment.read(last=last, dead=self.dead)
                if not payloads:
                    break
                self._take(segment, payloads, events)
                self._last_read.add(segment)
            if segment.foreign:
                self._unknown_any = True
            if len(events) >= limit:
                break
        return events

    def _after(self, segment: Segment) -> Iterator[Segment]:
        return (other for other in self.segments if other.sequence > segment.sequence)

    def _unread(self) -> Iterator[Segment]:
        return iter([segment for segment in self.segments if not segment.finished])

    def _take(self, segment: Segment, payloads: list[bytes], events: list[UsageEvent]) -> None:
        calls = self._open
        for payload in payloads:
            self._uncommitted_bytes += len(payload)
            try:
                record = decode_quickly(payload)
            except msgspec.DecodeError:
                self._note_unreadable(segment, payload)
                continue
            if len(record.event_id) != EVENT_ID_BYTES:
                self._note_unreadable(segment, payload)
            elif isinstance(record, OpenHead):
                calls.setdefault(record.event_id, []).append((segment, payload))
                segment.open_calls += 1
            elif isinstance(record, GuardRecord):
                self.decisions.append(record)
            elif isinstance(record, RefusalRecord):
                self.refusals.append(record)
            else:
                events.append(record)

    def _note_unreadable(self, segment: Segment, payload: bytes) -> None:
        """The segment is kept, and a call that the record may have settled is not taken for an interrupted one."""
        self._report("unreadable", segment.path, segment.scan.offset)
        segment.keep = "a record in it is of an unknown kind"
        try:
            head = _decode_head(payload)
        except msgspec.DecodeError:
            self._unknown_any = True
            return
        if len(head.event_id) == EVENT_ID_BYTES:
            self._unknown_ids.add(head.event_id)
        else:
            self._unknown_any = True

    # ---- after a commit

    def settle(self, event_ids: Iterable[bytes]) -> None:
        """These calls are in the ledger for good."""
        for event_id in event_ids:
            for segment, _ in self._open.pop(event_id, ()):
                segment.open_calls -= 1

    def all_committed(self) -> None:
        self._uncommitted_bytes = 0

    def open_ids(self) -> list[bytes]:
        return list(self._open)

    @property
    def complete(self) -> bool:
        """Whether all that its relay ever wrote was read."""
        return self.dead and all(segment.finished for segment in self.segments)

    def reject(self, event_id: bytes) -> None:
        """The database takes no row for this call: what it was read from is kept, and read again by a later drain."""
        held = self._open.pop(event_id, [])
        for segment, _ in held:
            segment.open_calls -= 1
        for segment in {*self._last_read, *(segment for segment, _ in held)}:
            segment.keep = "the database refuses a row from it"
            self._report("rejected", segment.path, 0)

    def interrupted(self) -> Iterator[list[OpenRecord]]:
        """Attempts, in order, of each call that a dead relay left open. Only when all was read and committed."""
        if self._unknown_any:
            return
        for event_id, held in self._open.items():
            if event_id in self._unknown_ids:
                continue
            attempts = [record for _, payload in held if isinstance(record := _decode_open(payload), OpenRecord)]
            if len(attempts) == len(held):
                yield sorted(attempts, key=lambda record: record.attempt)
            else:
                for segment, _ in held:
                    segment.keep = "an open record in it cannot be read"

    def release(self) -> list[Segment]:
        """Deletes, or sets aside, the segments that are done; returns those. Only after a commit. Raises OSError."""
        done = [segment for segment in self.segments if segment.finished and not segment.open_calls]
        for segment in done:
            segment.release()
        if done:
            self.segments = [segment for segment in self.segments if not segment.released]
        return done

    def end(self) -> None:
        """Called for a dead incarnation after its last commit: removes the folder, or leaves what must be kept.

        Raises OSError.
        """
        self.release()
        self.ended = True
        for segment in self.segments:
            segment.close()
        if not self._paths():
            (self.folder / LOCK_NAME).unlink(missing_ok=True)
            try:
                self.folder.rmdir()
            except OSError:
                # Something of another's lies in it: no business of ours.
                pass
        self._unlock()

    def close(self) -> None:
        """Lets go of descriptors and the lock; everything on disk is read again by the next drain."""
        for segment in self.segments:
            segment.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # ---- figures

    def backlog_bytes(self) -> int:
        """An upper bound of what is on disk and not in the ledger. Raises OSError."""
        unread = list(self._unread())
        if not unread:
            return self._uncommitted_bytes
        first, *others = unread
        total = self._uncommitted_bytes + first.unread_bytes()
        if others:
            total += others[-1].unread_bytes() + sum(segment.path.stat().st_size for segment in others[:-1])
        return total

    def aside(self) -> int:
        return sum(path.name.endswith(ASIDE_SUFFIX) for path in self._paths()) if self.folder.exists() else 0


def is_incarnation(folder: Path) -> bool:
    """Whether a relay made this folder: it may lie beside what others put there (`lost+found`)."""
    try:
        return any(name == LOCK_NAME or name.endswith((SEGMENT_SUFFIX, ASIDE_SUFFIX)) for name in os.listdir(folder))
    except OSError:
        return False


def _decode_open(payload: bytes) -> object:
    try:
        return decode_record(payload)
    except msgspec.DecodeError:
        return None
