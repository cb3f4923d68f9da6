"""Structured logs of the processes that carry no logging framework (relay, supervisor): one JSON object a line.

The fields are those of control's log: `timestamp`, `level`, `program`, `pid`, `event`, then whatever the caller adds.
"""

import logging
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode
_RESERVED = frozenset(("timestamp", "level", "program", "pid", "event"))


class _JsonFormatter(logging.Formatter):
    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program
        self._pid = os.getpid()

    def format(self, record: logging.LogRecord) -> str:
        seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "timestamp": f"{seconds}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "program": self._program,
            "pid": self._pid,
            "event": record.getMessage(),
        }
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        line.update((name, value) for name, value in fields.items() if name not in _RESERVED)
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return _encode(line).decode()


class _ConsoleFormatter(logging.Formatter):
    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def format(self, record: logging.LogRecord) -> str:
        fields: Mapping[str, Any] = getattr(record, "fields", {})
        shown = " ".join(f"{name}={value}" for name, value in fields.items())
        line = (
            f"{time.strftime('%H:%M:%S')} {record.levelname.lower():7} {self._program:10} {record.getMessage()} {shown}"
        )
        return line + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


class Log:
    """`log.info("drained", segments=3)`: an event in the past tense or a noun, facts as fields, never a secret."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def debug(self, event: str, **fields: Any) -> None:
        self._logger.debug(event, extra={"fields": fields})

    def info(self, event: str, **fields: Any) -> None:
        self._logger.info(event, extra={"fields": fields})

    def warning(self, event: str, **fields: Any) -> None:
        self._logger.warning(event, extra={"fields": fields})

    def error(self, event: str, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields})

    def failure(self, event: str, error: BaseException, **fields: Any) -> None:
        self._logger.error(event, extra={"fields": fields}, exc_info=error)


def open_log(program: str, level: str = "info", form: str = "json") -> Log:
    """A log of this process on standard error; `form` is `json` or `console`."""
    logger = logging.getLogger(f"turnpike.{program}")
    logger.setLevel(level.upper())
    logger.propagate = False
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_ConsoleFormatter(program) if form == "console" else _JsonFormatter(program))
    logger.handlers[:] = [handler]
    return Log(logger)
