"""The public side: HTTP/1.1 with callers. Answers requests in order; `turnpike.relay.reading` reads them."""

import asyncio
from typing import TYPE_CHECKING, cast

from turnpike.errors import RequestTimeout
from turnpike.kit.networks import plain_address
from turnpike.relay.reading import Conversation, RequestReader

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead

_BIG_WRITE = 64 * 1024
_CLOSE = b"connection: close\r\n"

STATUS_LINES: dict[int, bytes] = {
    status: f"HTTP/1.1 {status} {reason}\r\n".encode()
    for status, reason in (
        (200, "OK"), (201, "Created"), (202, "Accepted"), (204, "No Content"), (206, "Partial Content"),
        (301, "Moved Permanently"), (302, "Found"), (303, "See Other"), (304, "Not Modified"),
        (307, "Temporary Redirect"), (308, "Permanent Redirect"), (400, "Bad Request"), (401, "Unauthorized"),
        (402, "Payment Required"), (403, "Forbidden"), (404, "Not Found"), (405, "Method Not Allowed"),
        (408, "Request Timeout"), (409, "Conflict"), (412, "Precondition Failed"), (413, "Content Too Large"),
        (415, "Unsupported Media Type"), (422, "Unprocessable Content"), (429, "Too Many Requests"),
        (431, "Request Header Fields Too Large"), (500, "Internal Server Error"), (502, "Bad Gateway"),
        (503, "Service Unavailable"), (504, "Gateway Timeout"), (507, "Insufficient Storage"), (529, "Overloaded"),
    )
}  # fmt: skip


def status_line(status: int) -> bytes:
    return STATUS_LINES.get(status) or f"HTTP/1.1 {status} Status\r\n".encode()


class ClientConnection(RequestReader):
    """One connection of a caller."""

    __slots__ = ("_chunked_out", "client")
    conversation: "Conversation | None"
    head: "RequestHead | None"

    def __init__(self, relay: "Relay") -> None:
        super().__init__(relay)
        self._chunked_out = False
        self.client = ""

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = cast("tuple[object, ...] | str | None", transport.get_extra_info("peername"))
        self.client = plain_address(str(peer[0])) if isinstance(peer, tuple) and peer else ""
        self._relay.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._relay.connections.discard(self)
        conversation, self.conversation = self.conversation, None
        if conversation is not None:
            conversation.client_gone()
        self.drop_bodies()

    def pause_writing(self) -> None:
        self.stalled = self._more = True
        self._idle = False  # it may have been told so behind the answer that is too much
        self.since = self._relay.tick.now
        if self.conversation is not None:
            self.conversation.client_stalled()

    def resume_writing(self) -> None:
        self.stalled = False
        if self.conversation is not None:
            self.conversation.client_ready()
        elif not self.closing:
            self._go_on()

    # ---- the transport, behind the outbox

    def _close(self) -> None:
        self._relay.outbox.flush()
        self._transport.close()

    def _abort(self) -> None:
        self._relay.outbox.flush()
        self._transport.abort()

    # ---- answering

    def answer(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer in JSON. `headers`: further header lines, each ended by CRLF."""
        self.answer_any(status, b"content-type: application/json\r\n" + headers, body)

    def answer_any(self, status: int, headers: bytes, body: bytes) -> None:
        """A whole answer of any type: `headers` says which."""
        head = self.head
        keep = head is not None and head.keep_alive and not self.closing
        size = len(body)
        self._write(
            b"%b%b%b%b%bcontent-length: %d\r\n\r\n%b" % (
                STATUS_LINES.get(status) or status_line(status), self._relay.date_line, headers,
                b"" if head is None else head.lines, b"" if keep else _CLOSE, size, body if size < _BIG_WRITE else b"",
            )
        )  # fmt: skip
        if size >= _BIG_WRITE:
            self._write(body)
            self._relay.outbox.flush()  # whether it is too much for the caller is known before more is read of them
        if keep and not self._more:
            self.conversation = None
            self._idle = True
        else:
            self._answered(keep=keep)

    def start_stream(self, status: int, headers: bytes, data: bytes) -> None:
        """The head of a streamed answer and its first data."""
        head = self.head
        self._chunked_out = head is not None and not head.http_1_0
        framing = b"transfer-encoding: chunked\r\n" if self._chunked_out else b"connection: close\r\n"
        close = b"" if self._may_keep() or not self._chunked_out else _CLOSE
        lines = b"" if head is None else head.lines
        start = b"%b%b%b%b%b%b\r\n" % (status_line(status), self._relay.date_line, headers, lines, framing, close)
        self._write(start + self._chunk(data))

    def stream(self, data: bytes) -> None:
        if data:
            self._write(self._chunk(data))

    def end_stream(self, data: bytes) -> None:
        self._write(self._chunk(data) + (b"0\r\n\r\n" if self._chunked_out else b""))
        self._answered(keep=self._chunked_out and self._may_keep())

    def answer_bodiless(self, status: int, headers: bytes) -> None:
        """An answer that has no body whatever its headers say: 204, 304, or to HEAD."""
        keep = self._may_keep()
        close = b"" if keep else _CLOSE
        lines = b"" if self.head is None else self.head.lines
        self._write(b"%b%b%b%b%b\r\n" % (status_line(status), self._relay.date_line, headers, lines, close))
        self._answered(keep=keep)

    def abort(self) -> None:
        """Ends the connection without ending the answer: the caller must not take it for whole."""
        self.conversation = None
        self._abort()

    def take_over(self) -> tuple[asyncio.Transport, bytes]:
        """Gives the transport away for another protocol, with what was read of it already."""
        self.conversation = None
        self._relay.connections.discard(self)
        self._relay.outbox.flush()
        ahead, self._ahead = self._ahead, b""
        return self._transport, ahead

    def _chunk(self, data: bytes) -> bytes:
        if not self._chunked_out or not data:
            return data
        return b"%x\r\n%b\r\n" % (len(data), data)

    def _may_keep(self) -> bool:
        return not self.closing and self.head is not None and self.head.keep_alive

    def _answered(self, *, keep: bool) -> None:
        if self._more:
            self._relay.outbox.flush()  # whether this caller takes what it is sent decides what comes next
        self.conversation = None
        self.head = None
        self.since = self._relay.tick.now
        if not keep:
            self.closing = True
            if self._discarding and self._transport.can_write_eof():
                # The caller may still be sending. To close now would reset the connection, and the answer with it:
                # what comes is dropped until the caller closes or its time is over.
                self._relay.outbox.flush()
                self._transport.write_eof()
            else:
                self._close()
        elif not self.stalled:
            self._go_on()

    def wind_up(self) -> None:
        """The relay drains: no further request is read on this connection."""
        self.closing = True
        if self._idle:
            self._close()

    def shut(self) -> None:
        """The relay stops: nobody waits any longer."""
        self._abort()

    # ---- time

    def sweep(self, now: float) -> None:
        """Ends connections that keep us waiting; called every quarter of a second."""
        settings = self._relay.settings
        waited_s = now - self.since
        if self.conversation is not None and not self.stalled:
            self.since = now  # the idle time begins with the end of the answer
            return
        if self.stalled:
            if waited_s > settings.read_timeout_s:
                self._abort()
            return
        if self.closing:
            if waited_s > settings.body_timeout_s:
                self._abort()
        elif self._idle:
            if waited_s > settings.idle_timeout_s:
                self._close()
        elif waited_s > (settings.head_timeout_s if self._head is None else settings.body_timeout_s):
            what = "head" if self._head is None else "body"
            self._reject(RequestTimeout(f"The request's {what} did not arrive in time."))
