"""Watching a v2 chat stream go by unchanged: all that matters is in its last event, `message-end`."""

import msgspec

from turnpike.wire.dialects.cohere_chat.response import FAILED, failure
from turnpike.wire.dialects.cohere_chat.shapes import EventShape
from turnpike.wire.dialects.cohere_chat.usage import usage_in
from turnpike.wire.dialects.common.watching import WINDOW, Watch, event_at, event_data, unfinished

_decode = msgspec.json.Decoder(EventShape).decode


class CohereTail(Watch):
    __slots__ = ()

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
        place = text.rfind(b'"message-end"', whole - WINDOW if whole > WINDOW else 0, whole)
        if place < 0:
            return
        start, end = event_at(text, place)
        try:
            event = _decode(event_data(text[start:end]))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # a fragment, or another server's event
        if event.type != "message-end" or event.delta is None:
            return
        self.finished = True
        self._counted(usage_in(event.delta.usage))
        reason = event.delta.finish_reason or ""
        if reason in FAILED or event.delta.error:
            self._failed(failure(reason, event.delta.error))
