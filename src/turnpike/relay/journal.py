"""Writes the journal: what is in it survives kill -9 of this process, because a record is a copy into a mapped file.

The format is turnpike.contract.journal's. A segment is preallocated; the next one is made ready in a thread long
before it is needed, so that rolling over costs the fast path nothing. A thread asks the disk to keep up (fdatasync
every `flush_s`), against loss of power.
"""

import fcntl
import mmap
import os
import threading
import time
from collections import deque
from pathlib import Path

from crc32c import crc32c

from turnpike.contract.journal import (
    FRAME,
    HEADER_BYTES,
    JOURNAL_VERSION,
    LOCK_NAME,
    SEALED,
    SegmentHeader,
    pack_header,
    segment_name,
)
from turnpike.errors import Unavailable
from turnpike.kit.clock import now_ms
from turnpike.kit.logs import Log

_MEMORY_RECORDS = 100_000
"""Records kept in memory while the disk refuses them, if the setting says to go on."""
_CAN_ADVISE = hasattr(mmap, "MADV_RANDOM") and hasattr(os, "posix_fadvise")
_WARMED_BYTES = 256 * 1024
_WARMING_PAUSE_S = 0.001
_pack_frame = FRAME.pack


class _Segment:
    """One mapped file of fixed size."""

    __slots__ = ("fd", "map", "path")

    def __init__(self, path: Path, size: int, header: SegmentHeader) -> None:
        """Raises OSError when the file cannot be made or filled: no space, no permission, a file size limit."""
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(self.fd, 0, size)
            self.map = mmap.mmap(self.fd, size)
            if _CAN_ADVISE:
                # Else the first touch reads the whole segment ahead: milliseconds in the kernel, at one go.
                self.map.madvise(mmap.MADV_RANDOM)
            self.map[:HEADER_BYTES] = pack_header(header)
        except (OSError, ValueError):
            os.close(self.fd)
            path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        self.map.close()
        os.close(self.fd)


class Journal:
    """The journal of one relay incarnation. `append` is called for every attempt and every request."""

    __slots__ = (
        "_current", "_flush_fault", "_flush_s", "_flusher", "_folder", "_incarnation", "_lock_fd", "_log", "_making",
        "_map", "_memory", "_offset", "_on_full", "_retired", "_room", "_sequence", "_size", "_spare", "_stop",
        "_synced", "fault",
    )  # fmt: skip

    def __init__(
        self, root: Path, incarnation: bytes, *, segment_bytes: int, flush_s: float, on_full: str, log: Log
    ) -> None:
        """Raises OSError when the first segment cannot be made."""
        self._folder = root / incarnation.hex()
        self._incarnation = incarnation
        self._size = segment_bytes
        self._flush_s = flush_s
        self._on_full = on_full
        self._log = log
        self._folder.mkdir(parents=True, mode=0o700)
        self._lock_fd = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._sequence = 0
        self._memory: deque[bytes] = deque()
        self.fault: str | None = None
        """What keeps the journal from being written, in words; None while it works."""
        self._spare: _Segment | None = None
        self._making: threading.Thread | None = None
        self._current = self._make()
        self._map = self._current.map
        self._offset = HEADER_BYTES
        # A seal must always fit behind the last record.
        self._room = segment_bytes - FRAME.size
        self._synced = HEADER_BYTES
        self._flush_fault = ""
        self._retired: deque[_Segment] = deque()
        self._stop = threading.Event()
        self._flusher: threading.Thread | None = None
        if flush_s > 0:
            self._flusher = threading.Thread(target=self._flush_forever, name="journal-flush", daemon=True)
            self._flusher.start()

    @property
    def in_memory(self) -> int:
        """Records that wait in memory for a disk that takes them."""
        return len(self._memory)

    @property
    def refuses_work(self) -> bool:
        """New work is refused: the disk takes nothing, and the setting or the memory's bound says no."""
        return self.fault is not None and (self._on_full == "refuse" or len(self._memory) >= _MEMORY_RECORDS)

    def append(self, payload: bytes) -> None:
        """Writes one record. Never fails: what the disk refuses waits in memory (see `refuses_work`)."""
        length = len(payload)
        offset = self._offset
        end = offset + 8 + length
        if end > self._room:
            self._append_slowly(payload)
        else:
            # One copy for head and payload: a reader that comes in between sees a checksum that does not fit yet.
            self._map[offset:end] = _pack_frame(length, crc32c(payload)) + payload
            self._offset = end

    def _append_slowly(self, payload: bytes) -> None:
        """The segment is full, or earlier records wait: they keep their order."""
        self._memory.append(payload)
        self.write_waiting()

    def write_waiting(self) -> None:
        """Tries again to write what waits in memory; called by the relay's sweep while the disk refuses."""
        memory = self._memory
        while memory:
            payload = memory[0]
            end = self._offset + FRAME.size + len(payload)
            # Twice when the segment that was made ahead is too small: left empty, it keeps the order.
            while end > self._room:
                if not self._roll(len(payload)):
                    # No room for anything: whatever comes now queues up behind what waits.
                    self._room = 0
                    return
                end = self._offset + FRAME.size + len(payload)
            self._map[self._offset : end] = _pack_frame(len(payload), crc32c(payload)) + payload
            self._offset = end
            memory.popleft()
        if self.fault is not None:
            self._roll(0)

    def withdraw(self) -> bool:
        """Takes the last record back, as what it tells of is not going to be done. False: it is on the disk already."""
        if not self._memory:
            return False
        self._memory.pop()
        return True

    def prepare(self) -> None:
        """Makes the next segment ready in a thread once this one is half full; called by the relay's sweep."""
        if self._spare is None and self._making is None and self._offset > self._size // 2:
            self._making = threading.Thread(target=self._make_spare, name="journal-spare", daemon=True)
            self._making.start()

    def close(self) -> None:
        """Seals the last segment and lets go of the lock; the journal is then control's to drain and delete."""
        self._stop.set()
        if self._making is not None:
            self._making.join()
        if self._flusher is not None:
            self._flusher.join()
        self._seal()
        self._retire()
        if self._spare is not None:
            self._spare.path.unlink(missing_ok=True)
            self._spare.close()
            self._spare = None
        os.close(self._lock_fd)

    def _make(self, minimum: int = 0) -> _Segment:
        self._sequence += 1
        header = SegmentHeader(JOURNAL_VERSION, self._incarnation, self._sequence, now_ms())
        size = max(self._size, minimum + HEADER_BYTES + 2 * FRAME.size)
        try:
            return _Segment(self._folder / segment_name(self._sequence), size, header)
        except (OSError, ValueError):
            self._sequence -= 1
            raise

    def _make_spare(self) -> None:
        try:
            self._spare = self._make()
        except (OSError, ValueError) as error:
            self._log.warning("journal segment not made ahead", error=str(error))
        else:
            self._warm(self._spare)
        finally:
            self._making = None

    def _warm(self, spare: _Segment) -> None:
        """Gets memory for it, a part at a time with pauses, so that whoever else runs here has his turn."""
        for start in range(0, self._size if _CAN_ADVISE else 0, _WARMED_BYTES):
            if self._spare is not spare:
                return  # it is in use
            os.posix_fadvise(spare.fd, start, _WARMED_BYTES, os.POSIX_FADV_WILLNEED)
            time.sleep(_WARMING_PAUSE_S)

    def _roll(self, payload_bytes: int) -> bool:
        """Goes on to the next segment; False when there is none to be had."""
        if self._spare is None and self._making is not None:
            self._making.join()
        following = self._spare
        try:
            if following is None:
                following = self._make(payload_bytes)
            else:
                self._spare = None
        except (OSError, ValueError) as error:
            if self.fault is None:
                self.fault = f"the journal cannot be written: {error}"
                self._log.error("journal full", error=str(error), folder=str(self._folder))
            return False
        if self.fault is not None:
            self.fault = None
            self._log.info("journal written again", waited=len(self._memory))
        self._seal()
        self._current = following
        self._map = following.map
        self._room = len(following.map) - FRAME.size
        self._offset = self._synced = HEADER_BYTES
        return True

    def _seal(self) -> None:
        """Ends the current segment. The disk is waited for in the flush thread, never here."""
        FRAME.pack_into(self._map, self._offset, SEALED, 0)
        self._retired.append(self._current)
        if self._flusher is None:
            self._retire()

    def _retire(self) -> None:
        while self._retired:
            segment = self._retired.popleft()
            if self._flush_s > 0:
                self._flush(segment)
            segment.close()

    def _flush_forever(self) -> None:
        while not self._stop.wait(self._flush_s):
            self._retire()
            offset = self._offset
            if offset != self._synced:
                # Only this thread closes segments, so the current one's file stays open while it is flushed.
                self._flush(self._current)
                self._synced = offset

    def _flush(self, segment: _Segment) -> None:
        try:
            os.fdatasync(segment.fd)
        except OSError as error:
            if self._flush_fault != str(error):
                self._log.warning("journal not flushed", error=str(error))
            self._flush_fault = str(error)


def full_error() -> Unavailable:
    return Unavailable(
        "The gateway cannot write its journal and takes no new work until it can; an operator has to look at the disk.",
        details={"reason": "journal"},
        retry_after_s=5,
    )
