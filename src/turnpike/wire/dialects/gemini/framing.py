"""The two ways a Gemini stream is framed: events (`?alt=sse`), or one JSON array whose items come as they are made."""

import re
from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.kit.sse import MAX_EVENT_BYTES, SseParser
from turnpike.wire.dialects.common.reading import feed_sse

_SPACE = b" \t\r\n"
_STRUCTURE = re.compile(rb'["{}]')
_STRING_PIECES = re.compile(rb'(?:[^"\\]|\\.)*', re.DOTALL)
_STRING_END = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)


class Frames:
    """Bytes of either framing, cut anywhere, to whole JSON objects."""

    def __init__(self) -> None:
        self._sse: SseParser | None = None
        self._array: ArrayParser | None = None
        self._start = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Raises UpstreamGarbage for an object beyond all bounds."""
        if self._sse is None and self._array is None:
            data = self._start + data
            begin = data.lstrip(_SPACE)
            if not begin:
                self._start = data
                return []
            if begin[:1] in (b"[", b"{"):
                self._array = ArrayParser()
            else:
                self._sse = SseParser()
        if self._array is not None:
            return self._array.feed(data)
        assert self._sse is not None
        return [event.data.encode() for event in feed_sse(self._sse, data) if event.data]


class ArrayParser:
    """Finds the objects of a JSON array (or objects that follow one another) by their braces, outside of strings."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._place = 0
        """How far the text was looked at."""
        self._depth = 0
        self._begin = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        """Raises UpstreamGarbage for an object beyond all bounds."""
        self._text += data
        found: list[bytes] = []
        while self._step(found):
            pass
        if self._depth == 0:
            self._text.clear()
            self._place = 0
        elif len(self._text) > MAX_EVENT_BYTES + self._begin:
            raise UpstreamGarbage(f"The provider's stream holds an object longer than {MAX_EVENT_BYTES} bytes.")
        elif found:
            del self._text[: self._begin]
            self._place -= self._begin
            self._begin = 0
        return found

    def _step(self, found: list[bytes]) -> bool:
        """To the next byte that means something; False when there is none yet."""
        text = self._text
        if self._in_string:
            return self._leave_string()
        match = _STRUCTURE.search(text, self._place)
        if match is None:
            self._place = len(text)
            return False
        self._place = match.end()
        byte = text[match.start()]
        if byte == 0x22:
            self._in_string = True
        elif byte == 0x7B:
            if self._depth == 0:
                self._begin = match.start()
            self._depth += 1
        elif self._depth > 0:
            self._depth -= 1
            if self._depth == 0:
                found.append(bytes(text[self._begin : match.end()]))
        return True

    def _leave_string(self) -> bool:
        match = _STRING_END.match(self._text, self._place)
        if match is None:
            # An escape may be cut: only whole pieces are passed over.
            whole = _STRING_PIECES.match(self._text, self._place)
            self._place = self._place if whole is None else whole.end()
            return False
        self._place = match.end()
        self._in_string = False
        return True


class ArrayWriter:
    """Objects to the bytes of an array that grows. The first object opens it: an answer that never began is not one."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, item: bytes) -> bytes:
        begin = b",\r\n" if self._begun else b"["
        self._begun = True
        return begin + item

    def end(self) -> bytes:
        return b"\r\n]" if self._begun else b"[]"


def array_end(item: dict[str, Any]) -> bytes:
    """The last item of an array that has begun."""
    return b",\r\n" + msgspec.json.encode(item) + b"\r\n]"
