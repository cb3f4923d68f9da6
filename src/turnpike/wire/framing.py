"""How the bytes of a stream are wrapped on their way from a provider, beside the dialect that they are in."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from turnpike.wire.aws.chunks import AnthropicChunks


class Unwrap(Protocol):
    """Takes a provider's wrapping off. One per stream."""

    def feed(self, data: bytes) -> bytes:
        """The dialect's own bytes, as far as they are whole. Raises UpstreamGarbage."""
        ...

    def end(self) -> None:
        """Raises UpstreamCut when something was left unfinished."""
        ...


class Framing(msgspec.Struct, frozen=True):
    content_type: bytes
    """What an answer that streams begins its content type with, in lower case."""
    unwrap: Callable[[], Unwrap] | None = None
    """None: the dialect reads the bytes as they come."""


FRAMINGS: dict[str, Framing] = {
    "sse": Framing(b"text/event-stream"),
    "aws_events": Framing(b"application/vnd.amazon.eventstream"),
    "aws_chunks": Framing(b"application/vnd.amazon.eventstream", AnthropicChunks),
}
"""By `OperationSpec.framing`."""
