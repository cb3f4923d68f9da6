"""Control, started before anybody knows what to tell it.

Reading its modules takes control as long as everything else at a start together, and it needs no settings for that. So
the command starts it first and then reads command line and settings itself, and hands them over when it knows them.
Imports next to nothing, for that reason.
"""

import sys
from collections.abc import Sequence

from turnpike.supervisor.process import Process

PYTHON = (sys.executable, "-P")
"""`-P`: a file in the folder that the server is started in must never be imported instead of one of ours."""
CONTROL = (*PYTHON, "-m", "turnpike.control")

_waiting: dict[tuple[str, ...], Process] = {}


def start(argv: Sequence[str] = CONTROL) -> None:
    _waiting[tuple(argv)] = Process(argv)


def take(argv: Sequence[str]) -> Process | None:
    """The process that waits to be told, once; None when there is none, or it died while it waited."""
    process = _waiting.pop(tuple(argv), None)
    if process is not None and process.ended:
        process.abandon()
        return None
    return process


def drop() -> None:
    """Ends what nobody took: the server did not come to be. It has not begun to do anything."""
    while _waiting:
        _waiting.popitem()[1].abandon()
