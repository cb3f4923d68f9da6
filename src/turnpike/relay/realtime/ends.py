"""One side of a realtime session: bytes to WebSocket messages and back, within a size, with back-pressure."""

import asyncio
from typing import Protocol, cast

from wsproto import WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

NORMAL, GOING_AWAY, BROKEN, NO_STATUS, ABNORMAL = 1000, 1001, 1002, 1005, 1006
REFUSED, TOO_LARGE, FAULT = 1008, 1009, 1011
_REASON_BYTES = 120
"""A close frame has room for 123."""


class Listener(Protocol):
    """What a side tells the session."""

    def on_message(self, end: "End", message: str | bytes) -> None: ...

    def on_signal(self, end: "End", signal: Ping | Pong) -> None: ...

    def on_close(self, end: "End", code: int, reason: str) -> None:
        """The other party closes, or broke the protocol, or is gone (1006)."""
        ...

    def on_full(self, end: "End") -> None: ...

    def on_room(self, end: "End") -> None: ...


class End(asyncio.Protocol):
    """Told of bytes by its transport; tells its listener of messages."""

    def __init__(self, socket: WSConnection, limit: int) -> None:
        """`limit`: the most bytes of one message."""
        self.socket = socket
        self.listener: Listener | None = None
        self.transport: asyncio.Transport | None = None
        self.gone = False
        self._limit = limit
        self._pieces: list[str | bytes | bytearray] = []
        self._size = 0
        self._closed = False

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.socket.state is ConnectionState.CLOSED:
            return
        try:
            self.socket.receive_data(data)
            for event in self.socket.events():
                self._on_event(event)
        except RemoteProtocolError as error:
            self._tell_closed(BROKEN, str(error))
        except LocalProtocolError:
            return  # it goes on sending after the end

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._tell_closed(ABNORMAL, "")

    def pause_writing(self) -> None:
        if self.listener is not None:
            self.listener.on_full(self)

    def resume_writing(self) -> None:
        if self.listener is not None:
            self.listener.on_room(self)

    # ---- for the session

    def send(self, event: Event) -> None:
        """Does nothing once this side is closed."""
        transport = self.transport
        if transport is None or transport.is_closing() or self.socket.state is not ConnectionState.OPEN:
            return
        transport.write(self.socket.send(event))

    def begin(self) -> None:
        """The listener is there."""

    def close(self, code: int, reason: str) -> None:
        """Says goodbye, or answers one."""
        transport = self.transport
        self._closed = True
        if transport is None or transport.is_closing():
            return
        if self.socket.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            shown = reason.encode()[:_REASON_BYTES].decode("utf-8", "ignore")
            transport.write(self.socket.send(CloseConnection(code, shown or None)))
        if self.socket.state is ConnectionState.CLOSED:
            transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def pause(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    # ---- inside

    def _on_event(self, event: Event) -> None:
        listener = self.listener
        if isinstance(event, CloseConnection):
            self._tell_closed(event.code, event.reason or "")
            if self.socket.state is ConnectionState.CLOSED and self.transport is not None:
                self.transport.close()
        elif listener is None or self._closed:
            return
        elif isinstance(event, TextMessage | BytesMessage):
            self._pieces.append(event.data)
            self._size += len(event.data)
            if self._size > self._limit:
                self._pieces.clear()
                self._tell_closed(TOO_LARGE, f"a message is larger than {self._limit} bytes")
            elif event.message_finished:
                pieces, self._pieces = self._pieces, []
                self._size = 0
                if isinstance(event, TextMessage):
                    listener.on_message(self, "".join(cast("list[str]", pieces)))
                else:
                    listener.on_message(self, b"".join(cast("list[bytes]", pieces)))
        elif isinstance(event, Ping | Pong):
            listener.on_signal(self, event)

    def _tell_closed(self, code: int, reason: str) -> None:
        if not self._closed:
            self._closed = True
            if self.listener is not None:
                self.listener.on_close(self, code, reason)
