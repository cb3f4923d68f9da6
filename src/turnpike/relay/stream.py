"""The ways a stream goes from a provider to a caller. All count what passes and know when it is whole."""

from typing import Protocol

from turnpike.errors import UpstreamRefused
from turnpike.wire.dialect import StreamReader, StreamWriter
from turnpike.wire.framing import Unwrap
from turnpike.wire.refusals import said_in
from turnpike.wire.types.stream import Event, Failed, Finished, Started
from turnpike.wire.types.usage import Usage, served_as


class Lane(Protocol):
    """How an answer passes, once it has begun. Where both sides speak one dialect it is the dialect's own tail."""

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


class Around:
    """A lane around another one, which knows how the answer stands."""

    __slots__ = ("_inner",)

    def __init__(self, inner: Lane) -> None:
        self._inner = inner

    @property
    def finished(self) -> bool:
        return self._inner.finished

    @property
    def usage(self) -> Usage | None:
        return self._inner.usage

    @property
    def error(self) -> UpstreamRefused | None:
        return self._inner.error

    @property
    def output_bytes(self) -> int:
        return self._inner.output_bytes


class Translating:
    """Different dialects: read into canonical events, written again."""

    def __init__(self, reader: StreamReader, writer: StreamWriter, theirs: str, ours: str) -> None:
        """`theirs` and `ours` are the names of the provider's dialect and the caller's."""
        self._reader = reader
        self._writer = writer
        self._dialects = (theirs, ours)
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
                    error = self.error = said_in(event.to_error(), *self._dialects)
                    event = Failed(
                        message=error.message,
                        status=error.status,
                        code=error.upstream_code,
                        kind=error.upstream_type,
                    )
                case _:
                    pass
            written.append(self._writer.write(event))
        return b"".join(written)


class Unwrapping(Around):
    """Takes a provider's wrapping off before another lane."""

    __slots__ = ("_unwrap",)

    def __init__(self, unwrap: Unwrap, inner: Lane) -> None:
        super().__init__(inner)
        self._unwrap = unwrap

    def feed(self, data: bytes) -> bytes:
        """Raises UpstreamGarbage for what is not wrapped as it should be."""
        return self._inner.feed(self._unwrap.feed(data))

    def end(self) -> bytes:
        """Raises UpstreamCut when the stream stops before its end."""
        if not self._inner.finished:
            self._unwrap.end()
        return self._inner.end()
