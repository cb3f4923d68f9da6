"""Watching a Messages stream go by unchanged.

Input is counted in `message_start`, the rest in `message_delta`, whose counts are totals; events are found by their
type line, which no JSON string can hold.
"""

import msgspec

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialects.anthropic_messages.error import STATUS
from turnpike.wire.dialects.anthropic_messages.shapes import EventShape
from turnpike.wire.dialects.anthropic_messages.usage import MessagesUsage, reported_in, to_usage
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.watching import WINDOW, Watch, event_at, event_data, unfinished

_decode = msgspec.json.Decoder(EventShape).decode


class MessagesTail(Watch):
    __slots__ = ("_reported",)

    def __init__(self) -> None:
        super().__init__()
        self._reported: MessagesUsage | None = None

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        carry = self._carry
        text = carry + data if carry else data
        rest = unfinished(text)
        whole = len(text) - len(rest)
        if whole:
            self._look(text, whole)
        self._keep(rest, whole)
        return data

    def end(self) -> bytes:
        if self._carry:
            self._look(self._carry + b"\n\n", len(self._carry) + 2)
            self._carry = b""
        return b""

    def _look(self, text: bytes, whole: int) -> None:
        if self._reported is None:
            self._look_at(text, text.find(b'"message_start"', 0, whole))
        low = whole - WINDOW if whole > WINDOW else 0
        self._look_at(text, text.rfind(b'"message_delta"', low, whole))
        self._look_at(text, text.rfind(b"event: error", low, whole))
        place = text.rfind(b"event: message_stop", low, whole)
        if place >= 0 and text[place - 1 : place] in (b"", b"\n"):
            self.finished = True

    def _look_at(self, text: bytes, place: int) -> None:
        if place < 0:
            return
        start, end = event_at(text, place)
        try:
            event = _decode(event_data(text[start:end]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # a fragment, or another server's event
        match event.type:
            case "message_start":
                message = event.message
                self._report((None if message is None else reported_in(message.usage)) or MessagesUsage())
            case "message_delta":
                self._report((self._reported or MessagesUsage()).updated(reported_in(event.usage) or MessagesUsage()))
            case "error":
                error = event.error
                kind = None if error is None else error.type
                message = (None if error is None else error.message) or "The provider's stream failed."
                status = STATUS.get(kind or "", 502)
                self._failed(UpstreamRefused(scrub(message), status=status, upstream_type=kind))
            case _:
                pass

    def _report(self, reported: MessagesUsage) -> None:
        self._reported = reported
        self._counted(to_usage(reported))
