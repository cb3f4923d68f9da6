"""Control's log: one JSON object a line on standard error, with the request id, and never a secret.

Fields as in the other programs' logs: `timestamp`, `level`, `program`, `event`, then facts.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from turnpike.kit.crypto import MASK
from turnpike.settings import LogFormat, Settings

PROGRAM = "control"
_SECRET_FIELDS = frozenset(
    ("api_key", "authorization", "x-api-key", "key", "password", "secret", "token", "sealed", "personal_api_key",
     "shared_api_key", "pepper", "key_pepper", "secret_keys", "database_url")
)  # fmt: skip
_OWN_KEY = re.compile(r"\btp-[A-Za-z0-9_-]{16,}")
_VENDOR_KEY = re.compile(r"\b(?:sk|gsk|xai|pk|AIza)[-_A-Za-z0-9]{20,}")
_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+@")


def _scrub(value: Any) -> Any:
    if isinstance(value, str):
        return _IN_ADDRESS.sub(f"{MASK}@", _VENDOR_KEY.sub(MASK, _OWN_KEY.sub(f"tp-{MASK}", value)))
    if isinstance(value, dict):
        return {name: MASK if str(name).lower() in _SECRET_FIELDS else _scrub(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_scrub(part) for part in value]
    return value


def scrub_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last guard, after every exception's text is in: nothing in the log looks like a key."""
    return _scrub(dict(event))


class _ToStandardError(logging.Handler):
    """Writes to whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(self.format(record) + "\n")
        sys.stderr.flush()


def configure(settings: Settings, program: str = PROGRAM, *, program_is_terminal: bool | None = None) -> None:
    """Sets up structlog, and the standard library's loggers (uvicorn, SQLAlchemy, Alembic) to go the same way."""

    def _program(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["program"] = program
        return event

    terminal = sys.stderr.isatty() if program_is_terminal is None else program_is_terminal
    console = settings.log_format is LogFormat.CONSOLE or (settings.log_format is LogFormat.AUTO and terminal)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _program,
    ]
    final: list[structlog.types.Processor] = [
        structlog.processors.format_exc_info,
        scrub_secrets,
        structlog.dev.ConsoleRenderer(colors=terminal) if console else structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        # A line and its end in one write: other processes write to the same place.
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(level, logging.WARNING))
