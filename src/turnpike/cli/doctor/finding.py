"""What a check found."""

from enum import StrEnum

import msgspec


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """It works, and should be looked at."""
    PROBLEM = "problem"
    """Something does not work, or is not safe."""


class Finding(msgspec.Struct, frozen=True):
    check: str
    state: State
    says: str
    remedy: str | None = None


def ok(check: str, says: str) -> Finding:
    return Finding(check, State.OK, says)


def warning(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, State.WARNING, says, remedy)


def problem(check: str, says: str, remedy: str) -> Finding:
    return Finding(check, State.PROBLEM, says, remedy)
