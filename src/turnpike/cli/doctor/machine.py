"""The machine: Python, limits, disk, clock."""

import platform
import resource
import shutil
import sys
import time
from pathlib import Path

from turnpike.cli.doctor.finding import Finding, ok, problem, warning
from turnpike.settings import Settings

_FILES_WANTED = 4096
_DISK_PROBLEM = 200 * 1024**2
_DISK_WARNING = 2 * 1024**3
_RELEASED_S = 1_767_225_600
"""2026-01-01: no machine that has this release lives before it."""
_AHEAD_S = 120.0


def machine(settings: Settings) -> list[Finding]:
    folder = _existing(settings.data_dir.resolve())
    return [python(sys.version_info[:3]), open_files(_soft_limit()), disk(folder), clock(settings, time.time())]


def python(version: tuple[int, ...]) -> Finding:
    text = ".".join(map(str, version))
    if version < (3, 11):
        return problem("python", f"Python {text} is too old", "use Python 3.11 or newer: make PYTHON=python3.12 run")
    return ok("python", f"{platform.python_implementation()} {text}")


def _soft_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else sys.maxsize


def open_files(limit: int) -> Finding:
    """A call takes two descriptors: the caller's connection and the provider's."""
    if limit < _FILES_WANTED:
        return warning(
            "open files",
            f"a process may open {limit} files, which is about {limit // 2} calls at a time",
            "ulimit -n 65536 before starting, or LimitNOFILE=65536 in the systemd unit",
        )
    return ok("open files", f"up to {limit} a process" if limit < sys.maxsize else "no limit")


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    says = f"{free / 1024**3:.1f} GiB free at {folder}"
    if free < _DISK_PROBLEM:
        return problem("disk", says, "make room: without it nothing can be written down, and new calls are refused")
    if free < _DISK_WARNING:
        return warning("disk", says, "make room soon: the ledger and its journals grow with every call")
    return ok("disk", says)


def clock(settings: Settings, now_s: float) -> Finding:
    """Wrong by so much that expiries and the ledger are wrong."""
    remedy = "set the clock (timedatectl set-ntp true)"
    if now_s < _RELEASED_S:
        return problem("clock", f"it says {time.strftime('%Y-%m-%d', time.gmtime(now_s))}, before this release", remedy)
    newest = max((_changed_s(path) for path in settings.data_dir.resolve().glob("*")), default=0.0)
    if newest > now_s + _AHEAD_S:
        return problem("clock", f"files in the data folder are {newest - now_s:.0f} s ahead of it", remedy)
    return ok("clock", time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(now_s)))


def _changed_s(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0  # it went away while we looked
