"""The two ways a stream goes from a provider to a caller. Both count what passes and know when it is whole."""

from typing import Protocol

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialect import StreamReader, StreamWriter, Tail
from turnpike.wire.types.stream import Event, Failed, Finished, Started
from turnpike.wire.types.usage import Usage, served_as


class Lane(Protocol):
    """How an answer passes, once it has begun."""

    @property
    def finished(self) -> bool:
        """It is whole."""
        ...

    @property
    def usage(self) -> Usage | None: ...

    @property
    def error(self) -> UpstreamRefused | None:
        """The provider's own, told inside a stream."""
        ...

    @property
    def output_bytes(self) -> int: ...

    def feed(self, data: bytes, /) -> bytes:
        """What goes on to the caller."""
        ...

    def end(self) -> bytes: ...


class Passing:
    """The same dialect on both sides: the bytes go on, watched by the dialect's tail."""

    __slots__ = ("_tail", "end", "feed")

    def __init__(self, tail: Tail) -> None:
        self._tail = tail
        self.feed = tail.feed
        self.end = tail.end

    @property
    def finished(self) -> bool:
        return self._tail.finished

    @property
    def usage(self) -> Usage | None:
        return self._tail.usage

    @property
    def error(self) -> UpstreamRefused | None:
        return self._tail.error

    @property
    def output_bytes(self) -> int:
        return self._tail.output_bytes


class Translating:
    """Different dialects: read into canonical events, written again."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.finished = False
        self.usage: Usage | None = None
        self.error: UpstreamRefused | None = None
        self.output_bytes = 0
        self._tier: str | None = None

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage for what is no stream of the provider's dialect."""
        self.output_bytes += len(data)
        return self._write(self._reader.feed(data))

    def end(self) -> bytes:
        """Raises UpstreamCut when the stream stops before its end."""
        return self._write(self._reader.end())

    def _write(self, events: list[Event]) -> bytes:
        written: list[bytes] = []
        for event in events:
            match event:
                case Finished():
                    self.finished = True
                    usage = event.usage or self.usage
                    self.usage = None if usage is None else served_as(usage, self._tier)
                case Started():
                    self.usage = event.usage
                    self._tier = event.service_tier
                case Failed():
                    self.error = event.to_error()
                case _:
                    pass
            written.append(self._writer.write(event))
        return b"".join(written)
