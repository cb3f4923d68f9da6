"""Watching a Chat Completions stream go by unchanged.

Providers write `"usage":null` into every chunk and the object into one near the end, so only the object is looked
for. A chunk of usage alone (`"choices":[]`) goes on only to a caller who asked for it.
"""

import msgspec

from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.watching import WINDOW, Watch, event_at, event_data, unfinished
from turnpike.wire.dialects.openai_chat.head import ChatHead
from turnpike.wire.dialects.openai_chat.response import error_status
from turnpike.wire.dialects.openai_chat.shapes import AnswerShape
from turnpike.wire.dialects.openai_chat.usage import usage_of
from turnpike.wire.types.usage import served_as

_decode = msgspec.json.Decoder(AnswerShape).decode

Span = tuple[int, int]


class ChatTail(Watch):
    __slots__ = ("_held", "_strip")

    def __init__(self, head: Head) -> None:
        super().__init__()
        self._strip = not (isinstance(head, ChatHead) and head.wants_usage())
        self._held = 0
        """How many bytes at the end of the carry the caller has not had: all of it, or none."""

    def feed(self, data: bytes) -> bytes:
        self.output_bytes += len(data)
        carry = self._carry
        text = carry + data if carry else data
        rest = unfinished(text)
        whole = len(text) - len(rest)
        cut = self._look(text, whole) if whole else None
        unsent = len(carry) - self._held
        lost = self._lost and not whole
        self._keep(rest, whole)
        if not self._strip:
            return data
        hold = 0
        if rest and not lost and len(rest) <= WINDOW and b'"delta"' not in rest:
            hold = len(rest)  # it may become the usage chunk that the caller did not ask for
        if cut is None and hold == 0 and self._held == 0:
            return data
        self._held = hold
        end = len(text) - hold
        if cut is None or cut[0] < unsent:
            return text[unsent:end]
        return text[unsent : cut[0]] + text[cut[1] : end]

    def end(self) -> bytes:
        carry = self._carry
        self._carry = b""
        if not carry:
            return b""
        cut = self._look(carry + b"\n\n", len(carry) + 2)
        held = carry[len(carry) - self._held :]
        self._held = 0
        return b"" if cut is not None else held

    def _look(self, text: bytes, whole: int) -> Span | None:
        """Looks at what matters in the last whole events; the span of a chunk to leave out, if there is one."""
        low = whole - WINDOW if whole > WINDOW else 0
        cut = None
        place = max(text.rfind(b'"usage":{', low, whole), text.rfind(b'"usage": {', low, whole))
        if place >= 0:
            cut = self._look_at_usage(text, place)
        place = text.rfind(b'"error":', low, whole)
        if place >= 0:
            self._look_at_error(text, place)
        place = text.rfind(b"[DONE]", low, whole)
        if place >= 0:
            start, end = event_at(text, place)
            if event_data(text[start:end]).strip() == b"[DONE]":
                self.finished = True
        return cut

    def _look_at_usage(self, text: bytes, place: int) -> Span | None:
        start, end = event_at(text, place)
        chunk = _read(text[start:end])
        usage = None if chunk is None else usage_of(chunk.usage)
        if chunk is None or usage is None:
            return None
        self._counted(served_as(usage, chunk.service_tier))
        return (start, end) if self._strip and chunk.choices == [] else None

    def _look_at_error(self, text: bytes, place: int) -> None:
        start, end = event_at(text, place)
        event = text[start:end]
        chunk = _read(event)
        if chunk is not None and chunk.error:
            self._failed(read_error(error_status(chunk.error), event_data(event)))


def _read(event: bytes) -> AnswerShape | None:
    """None for what is no chunk: a fragment, or another server's event."""
    try:
        return _decode(event_data(event))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
