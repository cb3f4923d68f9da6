"""Watching a streamGenerateContent stream go by.

Every event repeats the counts so far, the last one has them all beside the reason to stop. The provider is always asked
for events; for a caller that wants an array they are framed anew, their JSON as it came.
"""

import msgspec

from turnpike.errors import UpstreamRefused
from turnpike.kit.sse import SseParser
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.reading import feed_sse
from turnpike.wire.dialects.common.watching import WINDOW, Watch, event_at, event_data, unfinished
from turnpike.wire.dialects.gemini.error import status_of
from turnpike.wire.dialects.gemini.framing import ArrayWriter
from turnpike.wire.dialects.gemini.response import searches_of
from turnpike.wire.dialects.gemini.shapes import AnswerShape
from turnpike.wire.dialects.gemini.usage import usage_of

MAX_KEPT = 8 * 1024 * 1024
"""Bytes of an unfinished event that are kept: the last one may hold a picture or a long signature."""

_decode = msgspec.json.Decoder(AnswerShape).decode


class GeminiTail(Watch):
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

    def _keep(self, rest: bytes, whole: int) -> None:
        self._lost = len(rest) > MAX_KEPT or (self._lost and not whole)
        self._carry = b"" if self._lost else rest

    def _look(self, text: bytes, whole: int) -> None:
        """At the last events: each says all that those before it said."""
        low = whole - WINDOW if whole > WINDOW else 0
        for word in (b'"usageMetadata"', b'"finishReason"', b'"blockReason"', b'"error"'):
            place = text.rfind(word, low, whole)
            if place >= 0:
                start, end = event_at(text, place)
                self._see(event_data(text[start:end]))

    def _see(self, data: bytes) -> None:
        try:
            chunk = _decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return  # a fragment, or another server's event
        if chunk.error is not None:
            message = chunk.error.message or "The provider's stream failed."
            status = status_of(chunk.error.code, chunk.error.status)
            self._failed(UpstreamRefused(scrub(message), status=status, upstream_code=chunk.error.status))
            return
        usage = usage_of(chunk.usage_metadata, searches_of(chunk))
        if usage is not None and (self.usage is None or usage.web_searches or not self.usage.web_searches):
            self._counted(usage)
        blocked = chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason
        if blocked or any(candidate.finish_reason for candidate in chunk.candidates or ()):
            self.finished = True


class ArrayTail(GeminiTail):
    """The same, with each event's JSON as an item of an array."""

    __slots__ = ("_sse", "_writer")

    def __init__(self) -> None:
        super().__init__()
        self._sse = SseParser()
        self._writer = ArrayWriter()

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage for an event beyond all bounds."""
        super().feed(data)
        return b"".join(self._writer.write(event.data.encode()) for event in feed_sse(self._sse, data) if event.data)

    def end(self) -> bytes:
        super().end()
        last = feed_sse(self._sse, b"\n\n")
        items = b"".join(self._writer.write(event.data.encode()) for event in last if event.data)
        return items + self._writer.end() if self.finished or self.error is not None else items
