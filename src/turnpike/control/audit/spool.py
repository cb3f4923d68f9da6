"""Refusals between being noted and being chained: a line each in a file of the data folder, written before the answer
goes out, so that a process that is killed loses none.

A process writes a file of its own and holds its lock; files whose writer is gone are taken over by whoever looks next.
A file is bounded: whoever floods the gateway must not fill the disk.
"""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from turnpike.control.audit.entries import Draft
from turnpike.kit.ids import new_id

SUFFIX = ".spool"
LIMIT_BYTES = 2 * 1024 * 1024
_encode = msgspec.json.Encoder(enc_hook=str).encode
_decode = msgspec.json.Decoder(Draft).decode


class Spool:
    """Not safe for two threads at once; for any number of processes."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._file: int | None = None
        self._path: Path | None = None
        self._size = 0
        self._ended: list[Path] = []
        """Of this process: written to the end, and not chained yet."""

    def append(self, draft: Draft) -> bool:
        """False when it was not written: the file is full, or the disk takes nothing."""
        line = _encode(draft) + b"\n"
        if self._size + len(line) > self._limit_bytes:
            return False
        try:
            written = os.write(self._open(), line)
        except OSError:
            return False
        self._size += written
        return written == len(line)

    def take(self) -> Iterator[tuple[str, Path, list[Draft]]]:
        """What waits: the name of its source, its file, what is in it. `done` ends each; else it comes again."""
        if not self._ended:
            self._end()
        for path in [*self._ended, *self._orphans()]:
            try:
                lines = path.read_bytes().splitlines()
            except OSError:
                continue
            yield path.name.removesuffix(SUFFIX), path, [draft for line in lines if (draft := _read(line)) is not None]

    def done(self, path: Path) -> None:
        """Its entries are in the log for good. Raises OSError."""
        path.unlink(missing_ok=True)
        if path in self._ended:
            self._ended.remove(path)

    def close(self) -> None:
        self._end()

    # ---- inside

    def _open(self) -> int:
        """Raises OSError."""
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            name = new_id()
            begun = self._folder / name
            self._file = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Under its name only now: without a lock it would be taken for one that nobody writes.
            self._path, self._size = begun.rename(self._folder / (name + SUFFIX)), 0
        return self._file

    def _end(self) -> None:
        if self._file is None or self._path is None:
            return
        os.close(self._file)
        self._ended.append(self._path)
        self._file = self._path = None
        self._size = 0

    def _orphans(self) -> list[Path]:
        """Files that nobody writes any more, and that are not ours."""
        try:
            names = sorted(os.listdir(self._folder))
        except OSError:
            return []
        own = {self._path, *self._ended}
        paths = [path for name in names if name.endswith(SUFFIX) and (path := self._folder / name) not in own]
        return [path for path in paths if _is_free(path)]


def _is_free(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def _read(line: bytes) -> Draft | None:
    """None for a line that was cut off in the middle."""
    try:
        return _decode(line)
    except msgspec.DecodeError:
        return None
