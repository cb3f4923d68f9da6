"""Connections to providers (and to control's forward socket): one exchange at a time, kept for the next.

`UpstreamConnection` reads an answer and tells its `Exchange`; it knows nothing of models or money. A small answer
that arrives whole in one read, which is the common case, takes a lane of a few `bytes.find` calls; everything else
goes through llhttp.
"""

import asyncio
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from turnpike.errors import (
    TurnpikeError,
    UpstreamCut,
    UpstreamGarbage,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from turnpike.relay.answer import AnswerHead

if TYPE_CHECKING:
    from turnpike.relay.pools import Pool

_HEAD_LIMIT = 64 * 1024
_UNUSUAL = re.compile(
    rb"\r\n(?:transfer-encoding|content-encoding|connection(?!: keep-alive\r)|content-length:[^\0]*\r\ncontent-length)"
).search
"""In a head in lower case, what llhttp has to judge: other framing, encodings, the connection's end, two lengths."""
_PLAIN_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: (\d{1,9})\r\n").search
_BIG_WRITE = 64 * 1024


class Source(Protocol):
    """A body that is too large for memory, far above 64 KB: sent piece by piece, as fast as the provider takes it."""

    def __len__(self) -> int: ...

    def pieces(self) -> Iterator[bytes]:
        """Raises a TurnpikeError when the rest cannot be had."""
        ...


class Exchange(Protocol):
    """One request sent and its answer awaited. The last call is one of `on_plain`, `on_whole`,
    `on_end`, `on_failure`, `on_fault`."""

    connection: "UpstreamConnection | None"

    def on_plain(self, raw: bytes, body: bytes) -> None:
        """A whole answer with status 200 and no content encoding arrived in one read; `raw` is its head."""
        ...

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        """A whole answer arrived in one read; nothing else comes."""
        ...

    def on_head(self, head: AnswerHead) -> None: ...

    def on_data(self, data: bytes) -> None: ...

    def on_end(self, data: bytes) -> None:
        """The last data, possibly none."""
        ...

    def on_failure(self, error: TurnpikeError, *, stale: bool) -> None:
        """`stale`: a kept connection was found closed before a byte came back; sending again is no new attempt."""
        ...

    def on_fault(self, error: Exception) -> None:
        """A bug of ours while an answer was handled."""
        ...

    def grace_s(self) -> float:
        """Asked when the time for the first byte is over: how much longer it may take after all."""
        ...


class UpstreamConnection(asyncio.Protocol):
    """One connection; belongs to its pool, which it returns to by itself."""

    __slots__ = (
        "_complete", "_exchange", "_fresh", "_full", "_head", "_head_bytes", "_headers", "_in_head", "_keep",
        "_leftover", "_parser", "_patience_s", "_pieces", "_pool", "_sends", "_source", "_transport", "_until_eof",
        "answered", "closed", "deadline", "idle_since", "reused",
    )  # fmt: skip

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._exchange: Exchange | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._pieces: list[bytes] = []
        self._head: AnswerHead | None = None
        self._fresh = True
        """Nothing of the answer has been read yet."""
        self._in_head = True
        self._head_bytes = 0
        self._complete = False
        self._keep = True
        self._until_eof = False
        self._leftover = b""
        self._source: Iterator[bytes] | None = None
        """The rest of a large body that is being sent."""
        self._sends = False
        """This exchange's body is such a one, sent or not."""
        self._patience_s = 0.0
        self._full = False
        self.closed = False
        self.answered = False
        self.reused = False
        self.deadline = 0.0
        self.idle_since = 0.0

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            # A provider speaks only when asked; what it says now cannot belong to a later request.
            self.abort()
            self._pool.lost(self)
            return
        try:
            if self._fresh:
                self._fresh = False
                if data.startswith(b"HTTP/1.1 200 ") and self._read_whole(exchange, data):
                    return
            self._feed(exchange, data)
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the caller its answer
            exchange.on_fault(error)

    def eof_received(self) -> None:
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._pool.lost(self)
        exchange = self._exchange
        if exchange is None:
            return
        self._exchange = None
        exchange.connection = None
        if self._until_eof and exc is None:
            exchange.on_end(b"")
        elif self.answered:
            exchange.on_failure(UpstreamCut("The provider broke off in the middle of its answer."), stale=False)
        else:
            stale = self.reused and (self._fresh or self._sends)
            error = UpstreamUnreachable("The provider closed the connection without an answer.")
            exchange.on_failure(error, stale=stale)

    # ---- for the exchange

    def send(self, exchange: Exchange, head: bytes, body: bytes | Source, deadline: float) -> None:
        self._exchange = exchange
        exchange.connection = self
        self.deadline = deadline
        if isinstance(body, bytes) and len(body) <= _BIG_WRITE:
            self._pool.outbox.write(self._transport, head + body)
        else:
            self._send_large(head, body)

    def _send_large(self, head: bytes, body: bytes | Source) -> None:
        if isinstance(body, bytes):
            self._transport.write(head)
            self._transport.write(body)
        else:
            self._begin_source(head, body)

    def _begin_source(self, head: bytes, body: Source) -> None:
        self._fresh = False
        self._sends = True
        self._patience_s = self.deadline - self._pool.tick.now
        self._source = body.pieces()
        self._transport.write(head)
        self._send_on()

    def _send_on(self) -> None:
        """As much of the body as the provider takes at the moment. It has its time for each part, and the time until
        its answer from the end of the last."""
        while self._source is not None and not self._full:
            try:
                piece = next(self._source, None)
            except TurnpikeError as error:
                exchange = self._exchange
                self.abort()
                self._pool.lost(self)
                if exchange is not None:
                    exchange.on_failure(error, stale=False)
                return
            now = self._pool.tick.now
            if piece is None:
                self._source = None
                self.deadline = now + self._patience_s
            else:
                self.deadline = now + self._pool.read_timeout_s
                self._transport.write(piece)

    def pause_writing(self) -> None:
        self._full = True

    def resume_writing(self) -> None:
        self._full = False
        if self._source is not None:
            self._send_on()

    def abort(self) -> None:
        """Ends the connection at once; the exchange hears nothing more."""
        exchange = self._exchange
        if exchange is not None:
            self._exchange = None
            exchange.connection = None
        self.closed = True
        self._source = None
        self._pool.outbox.flush()
        self._transport.abort()

    def pause(self) -> None:
        """Stops reading; while paused no timeout of the provider runs."""
        self._transport.pause_reading()
        self.deadline = float("inf")

    def resume(self) -> None:
        self._transport.resume_reading()
        self.deadline = self._pool.tick.now + self._pool.read_timeout_s

    def overdue(self, now: float) -> bool:
        return self._exchange is not None and self.deadline < now

    def expire(self) -> None:
        """The deadline has passed."""
        exchange = self._exchange
        answered = self.answered
        if exchange is not None and not answered and (grace_s := exchange.grace_s()) > 0:
            self.deadline = self._pool.tick.now + grace_s
            return
        self.abort()
        if exchange is not None:
            what = "in the middle of its answer" if answered else "without beginning to answer"
            exchange.on_failure(UpstreamTimeout(f"The provider was silent for too long {what}."), stale=False)

    def take_over(self) -> tuple[asyncio.Transport, bytes]:
        """Gives the transport away (an upgrade), with what was read of the new protocol already."""
        self._exchange = None
        self._pool.lost(self)
        return self._transport, self._leftover

    # ---- reading

    def _read_whole(self, exchange: Exchange, data: bytes) -> bool:
        """The fast lane: a whole answer with a plain Content-Length in this one read. False: not such an answer.

        Anything unusual is left to llhttp. Since the answer must end exactly where the read does and the connection
        carries one exchange at a time, a misread head could not shift a later answer.
        """
        end = data.find(b"\r\n\r\n")
        if end < 0 or end > _HEAD_LIMIT:
            return False
        raw = data[: end + 2]
        match = _PLAIN_LENGTH(raw)
        if match is None or int(match[1]) != len(data) - end - 4 or _UNUSUAL(raw.lower()):
            return False
        self._exchange = None
        exchange.connection = None
        self._fresh = self.reused = True
        pool = self._pool
        if pool.waiting:
            pool.free(self)
        else:
            self.idle_since = pool.tick.now
            pool.idle.append(self)
        exchange.on_plain(raw, data[end + 4 :])
        return True

    def _feed(self, exchange: Exchange, data: bytes) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
        if self._in_head:
            self._head_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # 101: llhttp stops; the exchange that asked for the upgrade takes the connection over in on_head.
            self._leftover = data[int(upgrade.args[0]) :]
            self._complete = False
        except httptools.HttpParserError as error:
            self._broken(exchange, error)
            return
        if self._head_bytes > _HEAD_LIMIT:
            self._broken(exchange, None)
            return
        self.deadline = self._pool.tick.now + self._pool.read_timeout_s
        self._tell(exchange)

    def _tell(self, exchange: Exchange) -> None:
        """Hands on what one read brought: as few calls as can be, and none from inside the parser."""
        pieces = self._pieces
        body = b""
        if pieces:
            body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        head = self._head
        if self._complete:
            self._release()
            if head is not None:
                exchange.on_whole(head, body)
            else:
                exchange.on_end(body)
            return
        if head is not None:
            self._head = None
            exchange.on_head(head)
        if body and self._exchange is exchange:
            exchange.on_data(body)

    def _broken(self, exchange: Exchange, error: Exception | None) -> None:
        self.abort()
        what = "a head of more than 64 KiB" if error is None else "something that is not HTTP"
        exchange.on_failure(UpstreamGarbage(f"The provider answered with {what}."), stale=False)

    def _release(self) -> None:
        """The answer is complete: the connection is free for the next exchange, or closed."""
        exchange = self._exchange
        if exchange is not None:
            exchange.connection = None
            self._exchange = None
        self.reused = True
        if self._source is not None:
            # It answered before it had everything: what it would take for the next request is the rest of this one.
            self._source = None
            self._keep = False
        self._sends = False
        if self._keep:
            self._fresh = self._in_head = True
            self._complete = self.answered = self._until_eof = False
            self._head = None
            self._head_bytes = 0
            self._pool.free(self)
        else:
            self.closed = True
            self._transport.close()

    # ---- httptools callbacks: they note, `_tell` acts

    def on_message_begin(self) -> None:
        if self._complete:
            # More than the answer: it belongs to no request, and what follows on this connection might not either.
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        if self._complete:
            return
        headers, self._headers = self._headers, []
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            return
        self._in_head = False
        self._head_bytes = sum(len(name) + len(value) + 4 for name, value in headers)
        self.answered = True
        self._head = AnswerHead(status, pairs=headers)
        names = {name for name, _ in headers}
        self._until_eof = status not in (101, 204, 304) and not names & {b"content-length", b"transfer-encoding"}

    def on_body(self, body: bytes) -> None:
        if not self._complete:
            self._pieces.append(body)

    def on_message_complete(self) -> None:
        if self._in_head or self._complete:
            return
        self._complete = True
        # Asked here and not later: llhttp forgets the answer when the next message begins.
        assert self._parser is not None
        self._keep = self._parser.should_keep_alive()
