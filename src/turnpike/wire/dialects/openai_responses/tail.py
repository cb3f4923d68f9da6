"""Watching a Responses stream go by unchanged.

What matters is in the last event, which holds the whole answer: it may be far longer than a read. Of the event that is
under way only the beginning is looked at; the rest is kept only if it may be one of those that matter.
"""

from typing import Any

import msgspec

from turnpike.wire.dialects.common.watching import Watch, event_at, event_data, unfinished
from turnpike.wire.dialects.openai_responses.response import failure_of
from turnpike.wire.dialects.openai_responses.usage import Answer

HEAD_BYTES = 256
"""An event has said by here what it is."""
MAX_KEPT_BYTES = 32 * 1024 * 1024
"""A last event beyond this is not read: its usage is unknown, and estimated."""

_ENDS = (b'"response.completed"', b'"response.incomplete"', b'"response.failed"')
_COMPLETE = (b"event: response.completed", b"event: response.incomplete")
_TELLING = (b"response.completed", b"response.incomplete", b"response.failed", b"error", b'"response"')
"""What the beginning of an event holds that may matter; the last one stands for servers that write the type last."""


class _Response(Answer):
    error: Any = None


class _Event(msgspec.Struct):
    type: str
    response: _Response | None = None
    error: Any = None
    message: Any = None
    code: Any = None


class _Kind(msgspec.Struct):
    type: str


_decode = msgspec.json.Decoder(_Event).decode
_kind = msgspec.json.Decoder(_Kind).decode


class ResponsesTail(Watch):
    __slots__ = ("_edge", "_kept", "_pieces", "_under_way")

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []
        """Of the event that is under way; without its middle when it does not matter."""
        self._kept = 0
        self._edge = b""
        """Its last three bytes, however it was cut."""
        self._under_way = False

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        text = self._joined(data) if self._under_way else data
        if text is None:
            return data
        rest = unfinished(text)
        whole = len(text) - len(rest)
        if whole:
            self._look(text, whole)
        self._under_way, self._lost = bool(rest), False
        self._pieces = [rest] if rest else []
        self._kept, self._edge = len(rest), rest[-3:]
        return data

    def end(self) -> bytes:
        if self._under_way:
            text = b"".join(self._pieces) + b"\n\n"
            self._look(text, len(text))
            self._under_way = False
        return b""

    def _joined(self, data: bytes) -> bytes | None:
        """The event under way and what follows it, once that has ended; None as long as it goes on."""
        edge = self._edge + data
        self._edge = edge[-3:]
        if b"\n\n" in edge or b"\r\n\r\n" in edge or len(self._pieces[0]) < HEAD_BYTES:
            # No JSON holds a NUL: two ends without their middle are never read as a whole.
            joined = b"%b\0%b" % (self._pieces[0], edge) if self._lost else b"".join((*self._pieces, data))
            self._pieces = [joined]
            self._kept = len(joined)
            return joined
        if self._kept <= MAX_KEPT_BYTES and _may_matter(self._pieces[0]):
            self._pieces.append(data)
            self._kept += len(data)
        else:
            self._pieces = [self._pieces[0][:HEAD_BYTES]]
            self._kept = MAX_KEPT_BYTES + 1
            self._lost = True
        return None

    def _look(self, text: bytes, whole: int) -> None:
        for mark in _ENDS:
            self._look_at(text, text.rfind(mark, 0, whole))
        if self._lost:
            self._look_at(text, 0)
        place = text.rfind(b"error", 0, whole)
        if place >= 0 and self.error is None:
            start, _ = event_at(text, place)
            if b"error" in text[start : start + HEAD_BYTES]:
                self._look_at(text, place)

    def _look_at(self, text: bytes, place: int) -> None:
        if place < 0:
            return
        start, end = event_at(text, place)
        data = event_data(text[start:end])
        try:
            kind = _kind(data).type
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # A fragment, another server's event, or the last one, too long to be kept.
            self.finished = self.finished or (self._lost and text.startswith(_COMPLETE, start))
            return
        if kind not in ("response.completed", "response.incomplete", "response.failed", "error"):
            return
        try:
            event = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            event = _Event(kind)  # its usage is none
        self._tell(event)

    def _tell(self, event: _Event) -> None:
        if event.response is not None:
            self._counted(event.response.counted())
        if event.type == "error":
            told: Any = event.error
            self._failed(failure_of(told or {"message": event.message, "code": event.code}))
        elif event.type == "response.failed":
            self._failed(failure_of(None if event.response is None else event.response.error))
        else:
            self.finished = True


def _may_matter(beginning: bytes) -> bool:
    head = beginning[:HEAD_BYTES]
    return any(mark in head for mark in _TELLING)
