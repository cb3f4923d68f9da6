"""The supervisor's log: one JSON object a line on standard error, or plain lines on a terminal.

A logger of its own because a logging framework would cost a fifth of the whole start. Fields are names, numbers and
addresses; nobody hands it a settings line or a key.
"""

import os
import sys
from typing import TextIO

import msgspec

from turnpike.kit.clock import rfc3339, utc_now

LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Log:
    """`level` is one of LEVELS; `plain` writes for a person instead of a program."""

    def __init__(
        self, *, program: str = "supervisor", level: str = "info", plain: bool = False, out: TextIO | None = None
    ) -> None:
        self._program = program
        self._least = LEVELS[level]
        self._plain = plain
        self._out = out

    def debug(self, event: str, **fields: object) -> None:
        self._write("debug", event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, **fields: object) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        if LEVELS[level] < self._least:
            return
        now = utc_now()
        if self._plain:
            rest = "".join(f" {name}={value}" for name, value in fields.items())
            line = f"{now.astimezone():%H:%M:%S} {level:<7} {self._program}: {event}{rest}\n"
        else:
            head = {"timestamp": rfc3339(now), "level": level, "program": self._program, "pid": os.getpid()}
            line = msgspec.json.encode({**head, "event": event, **fields}).decode() + "\n"
        out = self._out or sys.stderr
        try:
            out.write(line)
            out.flush()
        except (OSError, ValueError):
            # The terminal or the log's reader is gone: a server goes on without it.
            self._least = LEVELS["error"] + 1
