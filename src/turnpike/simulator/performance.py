"""Carries an answer out on a connection, with whatever faults were asked for.

Ordinary answers go through ASGI. Faults below HTTP (a connection cut, reset or filled with garbage) are done on the
connection itself, which `turnpike.simulator.server` hands over in the ASGI scope.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from turnpike.simulator.exchange import Answer, Headers
from turnpike.simulator.faults import Faults

TRANSPORT = "turnpike.simulator.transport"
"""Key of the connection's asyncio transport in the scope's extensions."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

DRIP_BYTES = 7
_GARBAGE = b"\x16\x03\x01 this is no HTTP \x00\xff\xfe and has no head either\r\n\r\n"
_HTML = b"<!doctype html><html><head><title>Simulated proxy</title></head><body>Not the API you expected.</body></html>"
_BROKEN_EVENT = b'data: {"simulator": "this JSON has no en\n\n'
_NO_EVENT = b"\xff\xfe\xfdthis line belongs to no event and is not UTF-8\n\n"


class Broken(Exception):
    """The connection was ended on purpose before the answer was whole."""


class Exchange:
    """One request's connection: ASGI's two callables, and the transport below them."""

    def __init__(self, scope: Message, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT]

    @property
    def client_left(self) -> bool:
        return self._transport.is_closing()

    async def start(self, status: int, headers: Headers) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def write(self, data: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def until_gone(self) -> None:
        """Waits until the connection is closed, by whichever side."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def close(self, last: bytes = b"") -> None:
        """Ends the connection without finishing the answer; what was written is still sent."""
        if last:
            self._transport.write(last)
        self._transport.close()
        await self.until_gone()
        raise Broken

    async def reset(self) -> None:
        """Ends the connection with a TCP reset."""
        connection: socket.socket | None = self._transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        await self.until_gone()
        raise Broken


async def perform(answer: Answer, faults: Faults, exchange: Exchange, error_event: bytes) -> None:
    """`error_event` is the vendor's error inside a stream. Raises Broken when a fault ended the connection."""
    if faults.garbage:
        await exchange.close(_GARBAGE)
    if faults.hang is not None and (faults.hang == 0 or answer.events is None):
        await exchange.until_gone()
        return
    if faults.cut == 0:
        await exchange.close()
    if faults.reset == 0:
        await exchange.reset()
    if faults.html:
        answer = Answer(answer.status, [(b"content-type", b"text/html; charset=utf-8")], _HTML)
    headers = _headers(answer, faults)
    if answer.events is None:
        await _whole(answer, faults, exchange, headers)
    else:
        await _stream(answer.status, _spoiled(answer.events, faults, error_event), faults, exchange, headers)


def _headers(answer: Answer, faults: Faults) -> Headers:
    headers = answer.headers
    if faults.content_type is not None:
        kept = [header for header in headers if header[0] != b"content-type"]
        headers = [(b"content-type", faults.content_type.encode()), *kept]
    if faults.close:
        headers = [*headers, (b"connection", b"close")]
    return headers


# ---- whole answers


async def _whole(answer: Answer, faults: Faults, exchange: Exchange, headers: Headers) -> None:
    body = answer.body
    if faults.bad_json:
        body = body[: len(body) * 2 // 3]
    if faults.oversize_bytes:
        # White space is allowed before a JSON value: the answer stays right, it is only too large.
        body = b" " * max(0, faults.oversize_bytes - len(body)) + body
    await exchange.start(answer.status, [*headers, (b"content-length", str(len(body)).encode())])
    if faults.cut is not None or faults.reset is not None:
        await exchange.write(body[: len(body) // 2], more=True)
        # What was written must be on its way before a reset throws the rest away.
        await asyncio.sleep(0.01)
        await (exchange.close() if faults.cut is not None else exchange.reset())
    if faults.drip_s is None:
        await exchange.write(body, more=False)
        return
    await _drip(body, faults.drip_s, exchange)
    await exchange.write(b"", more=False)


async def _drip(data: bytes, pause_s: float, exchange: Exchange) -> None:
    for start in range(0, len(data), DRIP_BYTES):
        if exchange.client_left:
            return
        await exchange.write(data[start : start + DRIP_BYTES], more=True)
        await asyncio.sleep(pause_s)


# ---- streams


def _spoiled(events: list[bytes], faults: Faults, error_event: bytes) -> list[bytes]:
    """The events with those faults that are only other bytes."""
    if faults.oversize_bytes:
        events = [*events[:1], b": " + b"x" * faults.oversize_bytes + b"\n\n", *events[1:]]
    if faults.bad_json:
        events = [*events[:2], _BROKEN_EVENT, *events[2:]]
    if faults.bad_sse:
        events = [*events[:2], _NO_EVENT, *events[2:]]
    if faults.no_end:
        events = events[:-1]
    if faults.error_event is not None:
        events = [*events[: faults.error_event], error_event]
    return events


async def _stream(status: int, events: list[bytes], faults: Faults, exchange: Exchange, headers: Headers) -> None:
    await exchange.start(status, headers)
    for number, event in enumerate(events):
        await _break_off(number, faults, exchange)
        if exchange.client_left:
            return
        if faults.drip_s is not None:
            await _drip(event, faults.drip_s, exchange)
        else:
            await exchange.write(event, more=True)
        if faults.pace_s:
            await asyncio.sleep(faults.pace_s)
    await _break_off(None, faults, exchange)
    await exchange.write(b"", more=False)


async def _break_off(number: int | None, faults: Faults, exchange: Exchange) -> None:
    """Before event `number`; None after the last one, so that a stream shorter than the fault's figure breaks too."""
    if _is_due(faults.hang, number):
        await exchange.until_gone()
        raise Broken
    if _is_due(faults.cut, number):
        await exchange.close()
    if _is_due(faults.reset, number):
        await asyncio.sleep(0.01)
        await exchange.reset()


def _is_due(after: int | None, number: int | None) -> bool:
    return after is not None and (number is None or number == after)
