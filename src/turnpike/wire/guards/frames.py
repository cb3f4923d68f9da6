"""Streams taken apart into events and put together again: server-sent events, a JSON array, Amazon's messages."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, cast

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.kit.eventstream import EventStreamDecoder, EventStreamError, encode_message
from turnpike.kit.sse import SseOverflow, SseParser, encode_sse
from turnpike.wire.dialects.gemini.framing import ArrayParser

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Frame(NamedTuple):
    event: dict[str, Any] | None
    """None: not JSON (`[DONE]`), it goes on as `raw`."""
    name: str = ""
    raw: bytes = b""


class Frames(Protocol):
    def read(self, data: bytes) -> Iterator[Frame]: ...

    def write(self, frame: Frame) -> bytes: ...

    def end(self) -> bytes: ...


def _object(data: str | bytes) -> dict[str, Any] | None:
    """Raises UpstreamGarbage for an event that begins as an object and is none: it could not be looked at."""
    try:
        found = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        if data.lstrip()[:1] in ("{", b"{"):
            raise UpstreamGarbage("The provider's stream holds an event that is no JSON.") from error
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


class SseFrames:
    """Comments are left out: nobody can say what they hold."""

    def __init__(self) -> None:
        self._parser = SseParser()

    def read(self, data: bytes) -> Iterator[Frame]:
        """Raises UpstreamGarbage."""
        try:
            events = self._parser.feed(data)
        except SseOverflow as error:
            raise UpstreamGarbage(f"The provider's stream cannot be checked: {error}.") from error
        for event in events:
            yield Frame(_object(event.data), event.event, event.data.encode())

    def write(self, frame: Frame) -> bytes:
        return encode_sse(frame.raw if frame.event is None else _encode(frame.event), event=frame.name)

    def end(self) -> bytes:
        return b""


class ArrayFrames:
    """Gemini's other framing. The array is opened and closed here."""

    def __init__(self) -> None:
        self._parser = ArrayParser()
        self._begun = False

    def read(self, data: bytes) -> Iterator[Frame]:
        for raw in self._parser.feed(data):
            yield Frame(_object(raw), "", raw)

    def write(self, frame: Frame) -> bytes:
        begin = b",\r\n" if self._begun else b"["
        self._begun = True
        return begin + (frame.raw if frame.event is None else _encode(frame.event))

    def end(self) -> bytes:
        return b"\r\n]" if self._begun else b"[]"


class AmazonFrames:
    """The event is shown under its type: `{"contentBlockDelta": {...}}`."""

    def __init__(self) -> None:
        self._decoder = EventStreamDecoder()

    def read(self, data: bytes) -> Iterator[Frame]:
        """Raises UpstreamGarbage."""
        try:
            messages = self._decoder.feed(data)
        except EventStreamError as error:
            raise UpstreamGarbage(f"The provider's stream cannot be checked: {error}.") from error
        for message in messages:
            headers = dict(message.headers)
            name = headers.get(":event-type") or headers.get(":exception-type") or ""
            yield Frame({name: _object(message.payload) or {}, "": headers}, name, message.payload)

    def write(self, frame: Frame) -> bytes:
        event = frame.event or {}
        return encode_message(event.get("", {}), _encode(event.get(frame.name, {})))

    def end(self) -> bytes:
        return b""


class MessageFrames:
    """One event a message, as over a WebSocket; what is written ends in a newline, which JSON has none of."""

    def read(self, data: bytes) -> Iterator[Frame]:
        """Raises UpstreamGarbage."""
        yield Frame(_object(data), "", data)

    def write(self, frame: Frame) -> bytes:
        return (frame.raw.replace(b"\n", b" ") if frame.event is None else _encode(frame.event)) + b"\n"

    def end(self) -> bytes:
        return b""


def frames_for(media_type: bytes) -> Frames:
    """By the type of the stream that the caller gets."""
    if b"amazon.eventstream" in media_type:
        return AmazonFrames()
    return ArrayFrames() if b"application/json" in media_type else SseFrames()
