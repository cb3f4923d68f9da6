"""Whom a call answers: a caller's connection (turnpike.relay.protocol), or what stands in its place for the calls that
the relay makes itself."""

from collections.abc import Callable
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


class InnerEnd:
    """The caller's end of a call that the relay makes itself: tells `answered` the status and the body, once.

    Such a call asks for no stream: an answer that comes as one all the same is told as 502, at its end.
    """

    def __init__(self, client: str, answered: Callable[[int, bytes], None]) -> None:
        self.client = client
        self.head: RequestHead | None = None
        self.conversation: Conversation | None = None
        self._answered = answered

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        self._tell(status, body)

    def answer_any(self, status: int, headers: bytes, body: bytes) -> None:
        self._tell(status, body)

    def answer_bodiless(self, status: int, headers: bytes) -> None:
        self._tell(status, b"")

    def start_stream(self, status: int, headers: bytes, data: bytes) -> None:
        """Nobody reads it."""

    def stream(self, data: bytes) -> None:
        """Nobody reads it."""

    def end_stream(self, data: bytes) -> None:
        self._tell(502, b"")

    def abort(self) -> None:
        self._tell(500, b"")

    def _tell(self, status: int, body: bytes) -> None:
        self.conversation = None
        self._answered(status, body)
