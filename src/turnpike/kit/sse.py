"""Server-sent events (WHATWG HTML, "Server-sent events"): an incremental parser and an encoder.

The parser takes bytes cut anywhere and gives whole events. Line ends are LF, CRLF or CR; a byte order mark at the
start and comments are skipped; an event without data is none. Framing only: what data means is
not known here.
"""

from dataclasses import dataclass

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class SseOverflow(ValueError):
    """An event is longer than the parser's bound."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    data: str
    """The `data` lines, joined by line feeds."""
    event: str = ""
    """The type; empty for the default one, `message`."""
    id: str | None = None
    """The last event id in force: it stays until another event changes it."""
    retry_ms: int | None = None


class SseParser:
    """One stream's parser."""

    __slots__ = ("_data", "_event", "_id", "_limit", "_partial", "_retry", "_size", "_skip_lf", "_start")

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._limit = max_event_bytes
        self._partial: bytes = b""
        """An unfinished line."""
        self._start = True
        self._skip_lf = False
        """The last line ended in CR: an LF at the start of the next read belongs to it."""
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None
        self._retry: int | None = None
        self._size = 0

    def feed(self, data: bytes) -> list[SseEvent]:
        """Raises SseOverflow when an event exceeds the bound. Bytes that are no UTF-8 become U+FFFD, as the standard
        says."""
        if self._skip_lf and data:
            self._skip_lf = False
            if data[0] == 0x0A:
                data = data[1:]
        text = self._partial + data
        if self._start:
            if len(text) < 3 and _BOM.startswith(text):
                self._partial = text
                return []
            self._start = False
            text = text.removeprefix(_BOM)
        lines = text.splitlines(keepends=True)  # of bytes: at LF, CR and CRLF only
        self._partial = lines.pop() if lines and lines[-1][-1:] not in (b"\r", b"\n") else b""
        if lines and not self._partial and lines[-1][-1] == 0x0D:
            self._skip_lf = True
        events: list[SseEvent] = []
        for line in lines:
            bare = line.rstrip(b"\r\n")
            if bare:
                self._field(bare)
            else:
                self._dispatch(events)
        if self._size + len(self._partial) > self._limit:
            raise SseOverflow(f"an event is longer than {self._limit} bytes")
        return events

    def _field(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > self._limit:
            raise SseOverflow(f"an event is longer than {self._limit} bytes")
        name, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        match name:
            case b"data":
                self._data.append(text)
            case b"event":
                self._event = text
            case b"id":
                if "\0" not in text:
                    self._id = text
            case b"retry":
                if text.isascii() and text.isdigit():
                    self._retry = int(text)
            case _:
                pass  # a comment, or a field that the standard does not know

    def _dispatch(self, events: list[SseEvent]) -> None:
        if self._data:
            events.append(SseEvent("\n".join(self._data), self._event, self._id, self._retry))
        self._data = []
        self._event = ""
        self._retry = None
        self._size = 0


def encode_sse(
    data: str | bytes, *, event: str = "", event_id: str | None = None, retry_ms: int | None = None
) -> bytes:
    """One event, ended by a blank line. Raises ValueError for a type or id that holds a line end."""
    if any(mark in f"{event}{event_id or ''}" for mark in "\r\n\0"):
        raise ValueError("an event's type and id are one line")
    raw = data.encode() if isinstance(data, str) else data
    head = f"event: {event}\n" if event else ""
    if event_id is not None:
        head += f"id: {event_id}\n"
    if retry_ms is not None:
        head += f"retry: {retry_ms}\n"
    lines = raw.splitlines() if raw[-1:] not in (b"\n", b"\r") else [*raw.splitlines(), b""]
    return head.encode() + b"".join(b"data: " + line + b"\n" for line in lines or [b""]) + b"\n"
