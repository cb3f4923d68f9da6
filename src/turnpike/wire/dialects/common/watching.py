"""Watching a stream go by: what the tails of all dialects share.

A read may hold one event or hundreds. What matters (usage, an error, the end marker) stands in the first or in the
last events of a stream, so of a long read only its end is searched, with a few `bytes.find` and no loop over events.
"""

from turnpike.errors import UpstreamRefused
from turnpike.wire.types.usage import Usage

WINDOW = 8192
"""Bytes at the end of a read that are searched, and the longest unfinished event that is kept to be looked at."""


class Watch:
    """State of a tail. The carry is the beginning of an event that is not whole yet."""

    __slots__ = ("_carry", "_lost", "error", "finished", "output_bytes", "usage")

    usage: Usage | None
    finished: bool
    error: UpstreamRefused | None
    output_bytes: int

    def __init__(self) -> None:
        self.usage = None
        self.finished = False
        self.error = None
        self.output_bytes = 0
        self._carry = b""
        self._lost = False
        """Inside an event that is too long to be one of those that matter: its beginning was let go."""

    def _counted(self, usage: Usage | None) -> None:
        self.usage = usage or self.usage

    def _failed(self, error: UpstreamRefused) -> None:
        self.error = error

    def _keep(self, rest: bytes, whole: int) -> None:
        """Keeps the unfinished event for the next read; `whole` is the length of what came before it."""
        if len(rest) > WINDOW:
            self._carry = b""
            self._lost = True
        elif self._lost and not whole:
            self._carry = b""
        else:
            self._carry = rest
            self._lost = False


def boundary(text: bytes, end: int | None = None) -> int:
    """Where the event begins that is under way at `end`: behind the last blank line before it."""
    plain = text.rfind(b"\n\n", 0, end)
    crlf = text.rfind(b"\r\n\r\n", 0, end)
    return max(plain + 2 if plain >= 0 else 0, crlf + 4 if crlf >= 0 else 0)


def unfinished(text: bytes) -> bytes:
    """What follows the last blank line: the beginning of an event that is not whole yet."""
    if text.endswith((b"\n\n", b"\r\n\r\n")):
        return b""
    start = boundary(text)
    return text[start:] if start else text


def event_at(text: bytes, position: int) -> tuple[int, int]:
    """Start and end (behind its blank line) of the whole event around `position`."""
    plain = text.find(b"\n\n", position)
    crlf = text.find(b"\r\n\r\n", position)
    if crlf >= 0 and (plain < 0 or crlf < plain):
        return boundary(text, position), crlf + 4
    return boundary(text, position), plain + 2 if plain >= 0 else len(text)


def event_data(event: bytes) -> bytes:
    """The data of one event; several `data:` lines are joined by line feeds."""
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)
