"""Carries every request that is not the relay's own to control, over control's forward socket, and the answer back.

What comes in is untrusted: the headers by which proxies speak of a caller are written anew here, so control may
believe them. WebSocket upgrades become a tunnel of bytes.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.errors import TurnpikeError, Unavailable, UpstreamUnreachable
from turnpike.relay.answer import AnswerHead
from turnpike.relay.connect import Origin
from turnpike.relay.head import HOP_BY_HOP, RequestHead
from turnpike.relay.pools import Pool
from turnpike.relay.upstream import UpstreamConnection

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.protocol import ClientConnection

_REWRITTEN = HOP_BY_HOP | frozenset(
    (b"content-length", b"expect", b"forwarded", b"x-real-ip", b"x-request-id", b"proxy-authorization")
)
_NOT_ANSWERED = HOP_BY_HOP | frozenset(
    (b"content-length", b"date", b"server", b"x-request-id", b"x-content-type-options", b"x-turnpike-endless")
)
_ENDLESS = b"x-turnpike-endless"
"""Control's word for an answer that goes on until somebody ends it: the end of this relay does."""
_BODILESS = frozenset((204, 304))
_UNKNOWN_KEY = 401
_CONNECTIONS = 256
_SILENCE_S = 600.0
"""Control may take its time over an export or an event stream."""


class Forwarder:
    """The connections to control's forward socket."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self.endless: set[Forwarded] = set()
        self._pool = Pool(
            Origin("unix", relay.settings.forward_socket, 0),
            self._connect,
            tick=relay.tick,
            outbox=relay.outbox,
            limit=_CONNECTIONS,
            read_timeout_s=_SILENCE_S,
        )

    def forward(self, connection: "ClientConnection", head: RequestHead, body: bytes) -> None:
        exchange = Forwarded(self._relay, connection, head)
        connection.conversation = exchange
        if head.is_websocket:
            connection.closing = True  # behind the offer of an upgrade comes that protocol, or nothing
        self._pool.send(exchange, exchange.request_head(len(body)), body, _SILENCE_S)

    def sweep(self) -> None:
        # uvicorn closes idle connections after five seconds; ours go first.
        self._pool.sweep(idle_s=3.0)

    def wind_up(self) -> None:
        """The relay drains: what would never end by itself ends now, and its callers go on at another."""
        for exchange in list(self.endless):
            exchange.end()

    def close(self) -> None:
        self._pool.close()

    async def _connect(self, origin: Origin, factory: Callable[[], UpstreamConnection]) -> UpstreamConnection:
        try:
            _, connection = await asyncio.get_running_loop().create_unix_connection(factory, origin.host)
        except OSError as error:
            raise UpstreamUnreachable("The control plane does not answer.") from error
        return connection


class Forwarded:
    """One request on its way to control."""

    connection: UpstreamConnection | None = None
    _streaming = False
    _over = False

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: RequestHead) -> None:
        self._relay = relay
        self._down = connection
        self._head = head
        self._started = relay.now()
        self._request_id = head.request_id or relay.ids.next_bytes().hex()
        self._is_head = head.method == b"HEAD"

    def request_head(self, body_bytes: int) -> bytes:
        """HEAD goes as GET: the parser of answers cannot be told that no body follows, so it is cut off here."""
        head = self._head
        relay = self._relay
        query = b"?" + head.query if head.query else b""
        method = b"GET" if self._is_head else head.method
        lines = [b"%b %b%b HTTP/1.1" % (method, head.path, query)]
        named = head.named_in_connection()
        lines += [
            name + b": " + value
            for name, value in head.pairs
            if name not in _REWRITTEN and name not in named and not name.startswith((b"x-turnpike-", b"x-forwarded-"))
        ]
        scheme = b"https" if relay.settings.tls is not None else b"http"
        lines += [
            b"x-forwarded-for: " + relay.client_address(self._down, head).encode(),
            b"x-forwarded-proto: " + scheme,
            b"x-request-id: " + self._request_id.encode(),
        ]
        if head.is_websocket:
            lines += [b"connection: upgrade", b"upgrade: websocket"]
        else:
            lines.append(b"content-length: %d" % body_bytes)
        return b"\r\n".join(lines) + b"\r\n\r\n"

    # ---- Exchange

    def on_plain(self, raw: bytes, body: bytes) -> None:
        self.on_whole(AnswerHead(200, raw=raw), body)

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        if self._ended(head.status):
            return
        self._note(head.status)
        headers = self._headers(head)
        if self._is_head or head.status in _BODILESS:
            # Control's own word for the length: of a long body only the head has come.
            length = None if head.status in _BODILESS else head.get(b"content-length")
            if length is not None:
                headers += b"content-length: " + length + b"\r\n"
            self._down.answer_bodiless(head.status, headers)
        else:
            self._down.answer_any(head.status, headers, body)

    def on_head(self, head: AnswerHead) -> None:
        if head.status == 101:
            self._tunnel(head)
        elif self._is_head:
            if self.connection is not None:
                self.connection.abort()
            self.on_whole(head, b"")
        else:
            self._note(head.status)
            self._streaming = True
            self._status = head.status
            if head.get(_ENDLESS) is not None:
                self._relay.forwarder.endless.add(self)
            self._down.start_stream(head.status, self._headers(head), b"")

    def on_data(self, data: bytes) -> None:
        self._down.stream(data)

    def on_end(self, data: bytes) -> None:
        if not self._ended(self._status):
            self._down.end_stream(data)

    def on_failure(self, error: TurnpikeError, *, stale: bool) -> None:
        if self._ended(503):
            return
        if self._streaming:
            self._down.abort()
            return
        away = Unavailable(
            "The gateway's control plane does not answer at the moment. Model calls are not concerned; try again.",
            retry_after_s=2,
        )
        self._relay.answer_error(self._down, None, away, self._request_id)

    def on_fault(self, error: Exception) -> None:
        self._relay.log.failure("forwarding failed", error, request_id=self._request_id)
        if self._ended(500):
            return
        if self._streaming:
            self._down.abort()
        else:
            self._relay.answer_error(self._down, None, TurnpikeError(), self._request_id)

    def grace_s(self) -> float:
        return 0.0

    def end(self) -> None:
        """In order, before control has ended it."""
        self.on_end(b"")
        if self.connection is not None:
            self.connection.abort()

    # ---- Conversation

    def client_gone(self) -> None:
        if not self._ended(499) and self.connection is not None:
            self.connection.abort()

    def client_stalled(self) -> None:
        if self.connection is not None:
            self.connection.pause()

    def client_ready(self) -> None:
        if self.connection is not None:
            self.connection.resume()

    # ---- inside

    def _note(self, status: int) -> None:
        """Control does not know the caller: its address counts."""
        if status == _UNKNOWN_KEY:
            self._relay.limits.count_stranger(self._relay.client_address(self._down, self._head))

    def _ended(self, status: int) -> bool:
        """Notes the end; True when it had come before."""
        if self._over:
            return True
        self._over = True
        self._relay.forwarder.endless.discard(self)
        seconds = self._relay.now() - self._started
        self._relay.metrics.count_other(self._head.method.decode("latin-1"), self._head.route.label, status, seconds)
        return False

    def _headers(self, head: AnswerHead) -> bytes:
        lines = [name + b": " + value for name, value in head.pairs() if name not in _NOT_ANSWERED]
        lines.append(b"x-request-id: " + self._request_id.encode())
        return b"\r\n".join(lines) + b"\r\n"

    def _tunnel(self, head: AnswerHead) -> None:
        assert self.connection is not None
        self._ended(101)
        up, from_control = self.connection.take_over()
        down, from_caller = self._down.take_over()
        lines = [name + b": " + value for name, value in head.pairs()]
        down.write(b"HTTP/1.1 101 Switching Protocols\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + from_control)
        if from_caller:
            up.write(from_caller)
        down.set_protocol(_Tunnel(up))
        up.set_protocol(_Tunnel(down))
        # A caller that sent ahead of its answer may have been paused.
        down.resume_reading()


class _Tunnel(asyncio.Protocol):
    """One direction of an upgraded connection."""

    def __init__(self, other: asyncio.Transport) -> None:
        self._other = other

    def data_received(self, data: bytes) -> None:
        self._other.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._other.close()

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        self._other.resume_reading()
