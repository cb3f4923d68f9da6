"""Whom a call answers: a caller's connection (turnpike.relay.protocol), or what stands in its place for the calls that
the relay makes itself."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from turnpike.relay.head import RequestHead
    from turnpike.relay.reading import Conversation


class CallerEnd(Protocol):
    client: str
    """Its address."""
    head: "RequestHead | None"
    """Of the request that is being answered."""
    conversation: "Conversation | None"

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer in JSON. `headers`: further header lines, each ended by CRLF."""
        ...

    def answer_any(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer of any type: `headers` says which."""
        ...

    def start_stream(self, status: int, headers: bytes, data: bytes) -> None:
        """The head of a streamed answer and its first data."""
        ...

    def stream(self, data: bytes) -> None: ...

    def end_stream(self, data: bytes) -> None: ...

    def answer_bodiless(self, status: int, headers: bytes) -> None:
        """An answer that has no body whatever its headers say: 204, 304, or to HEAD."""
        ...

    def abort(self) -> None:
        """Ends the connection without ending the answer: the caller must not take it for whole."""
        ...
