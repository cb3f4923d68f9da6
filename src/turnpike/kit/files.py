"""Private folders and files, and the lock that gives a folder one owner at a time. POSIX only."""

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Self

import msgspec

from turnpike.errors import ConfigurationError

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


def private_folder(path: Path, *, own: bool = False) -> Path:
    """Makes the folder, and whatever is missing above it, for this user alone.

    An existing folder of ours that others may look into is closed to them. One that belongs to somebody else is used
    as it is where it can be written to (a mounted volume), unless `own`: then that, and a symbolic link, is refused,
    because a folder in a shared place such as /tmp may have been put there by anyone.

    Raises ConfigurationError when it cannot be made or written to.
    """
    try:
        path.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        status = path.lstat() if own else path.stat()
        ours = status.st_uid == os.geteuid()
        if own and (not ours or not stat.S_ISDIR(status.st_mode)):
            raise ConfigurationError(f"{path} belongs to somebody else; remove it or choose another data folder")
        if (ours or os.geteuid() == 0) and stat.S_IMODE(status.st_mode) & 0o077:
            path.chmod(PRIVATE_FOLDER)
    except FileExistsError as error:
        raise ConfigurationError(f"{path} is a file; a folder is needed there") from error
    except OSError as error:
        raise ConfigurationError(f"the folder {path} cannot be used: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise ConfigurationError(f"the folder {path} cannot be written to by this user (uid {os.geteuid()})")
    return path


def write_private(path: Path, text: str) -> None:
    """Puts the file there whole or not at all, readable by this user alone; the last of several writers wins.

    Raises OSError.
    """
    descriptor, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty when there is no file, or something else in it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return {}


class LockHeld(Exception):
    """Another process has the lock. `holder` is what it said of itself, with its `pid`; empty when it said nothing."""

    def __init__(self, path: Path, holder: Mapping[str, Any]) -> None:
        super().__init__(f"{path} is locked")
        self.path = path
        self.holder = dict(holder)

    @property
    def holder_lives(self) -> bool:
        """False when the process that took the lock is gone: one that it started still holds it, and is finishing."""
        pid = self.holder.get("pid")
        return not isinstance(pid, int) or process_lives(pid)


def process_lives(pid: int) -> bool:
    """A zombie does not: in a container whose first process reaps nobody, orphans stay ones for ever."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat_line = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return not Path("/proc/self/stat").exists()  # no /proc on this system, or it ended just now
    return stat_line.rpartition(")")[2].split()[0] != "Z"


class FileLock:
    """An exclusive `flock`, which the kernel lifts when the last process that has `fd` ends, however it ends.

    The file holds a JSON object that says who has the lock. It stays there afterwards: removing it would let two
    processes hold locks on two files of the same name.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1

    def acquire(self, holder: Mapping[str, Any]) -> Self:
        """`holder` is written into the file beside our `pid`. Raises LockHeld, and OSError when the file cannot be."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise LockHeld(self.path, read_json(self.path)) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode({"pid": os.getpid(), **holder}), 0)
        self.fd = descriptor
        return self

    def release(self) -> None:
        """Lets go of our share; children that inherited `fd` keep theirs."""
        if self.fd >= 0:
            with contextlib.suppress(OSError):
                os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
