"""How a command ends when it cannot do what was asked.

Exit code 1: it could not be done. 2: the command line is wrong. 130: Ctrl-C. A person reads one line on standard
error; with `--json` a script reads an object on standard output: `{"error": {"code", "message", "details"}}`.
"""

import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from turnpike.errors import TurnpikeError

CANNOT = 1
USAGE = 2
INTERRUPTED = 130


def fail(error: TurnpikeError, *, as_json: bool) -> int:
    return say(error.code, error.message, error.details, as_json=as_json, exit_code=CANNOT)


def say(code: str, message: str, details: Mapping[str, Any], *, as_json: bool, exit_code: int) -> int:
    if as_json:
        body = {"error": {"code": code, "message": message, "details": dict(details)}}
        sys.stdout.write(msgspec.json.encode(body).decode() + "\n")
    else:
        sys.stderr.write(f"turnpike: {message}\n")
        for line in _hints(details):
            sys.stderr.write(f"  {line}\n")
    return exit_code


def _hints(details: Mapping[str, Any]) -> list[str]:
    """The fields that control found wrong, one a line, where they are more than the message names."""
    errors = details.get("errors")
    if not isinstance(errors, list) or len(errors) < 2:
        return []
    return [f"{one.get('field')}: {one.get('message')}" for one in errors if isinstance(one, dict)]
