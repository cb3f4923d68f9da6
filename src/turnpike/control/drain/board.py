"""A page of memory that control and the drain share: a file that both have mapped, so that neither asks the other.

The drain shows there how it is, and control's writers show the drain that they wait (courtesy.py). Who drains holds the
file's lock; that the kernel lifts, however the drain ends.
"""

import fcntl
import mmap
import os
import struct
import zlib
from dataclasses import replace

import msgspec

from turnpike.control.drain.state import DrainState
from turnpike.settings import Settings

_PAGE_BYTES = 4096
_FRAME = struct.Struct("=II")
"""Length of what follows, and its CRC-32: a reader sees whether it read in the middle of a change."""
_FRAME_AT = 16
"""Before it is the turnstile."""
_BODY_AT = _FRAME_AT + _FRAME.size
_LONGEST_WORDS = 1000
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(DrainState).decode


class Board:
    """`memory` is the page as a whole."""

    def __init__(self, settings: Settings) -> None:
        """Makes the file when there is none. Raises OSError."""
        path = settings.run_dir / "drain.board"
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        if os.fstat(self._file).st_size < _PAGE_BYTES:
            os.ftruncate(self._file, _PAGE_BYTES)
        self.memory = mmap.mmap(self._file, _PAGE_BYTES)
        self._seen = DrainState()

    # ---- the drain's side

    def take(self) -> None:
        """From now until this process ends it is the one that drains. Waits for another one to end."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def show(self, state: DrainState) -> None:
        body = _encode(replace(state, error=_cut(state.error), journal_error=_cut(state.journal_error)))
        self.memory[_BODY_AT : _BODY_AT + len(body)] = body
        _FRAME.pack_into(self.memory, _FRAME_AT, len(body), zlib.crc32(body))

    # ---- control's side

    def state(self) -> DrainState:
        """As it was shown last by a drain that ran while we did. `running` is what the kernel says of it."""
        running = self._is_taken()
        if running:
            size, check = _FRAME.unpack_from(self.memory, _FRAME_AT)
            body = self.memory[_BODY_AT : _BODY_AT + size]
            if size and zlib.crc32(body) == check:
                self._seen = _decode(body)
        self._seen.running = running
        return self._seen

    def _is_taken(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        fcntl.flock(self._file, fcntl.LOCK_UN)
        return False


def _cut(words: str | None) -> str | None:
    return words if words is None else words[:_LONGEST_WORDS]
