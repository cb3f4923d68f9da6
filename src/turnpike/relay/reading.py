"""The reading half of the public side: bytes of a connection become requests, in order. Judges nothing but their form.

llhttp reads every head. A head that came before on the same connection, the usual case with a kept connection, is
recognised by its bytes instead: everything but the digits of its Content-Length must be the same, so what llhttp
accepted once is what stands there again.

A body is kept in memory within its limit. That of a route that takes forms goes to `turnpike.relay.uploads` as it comes
instead: it may be far larger, and its caller is identified before it is taken.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, cast

import httptools

from turnpike.errors import BodyTooLarge, HeadTooLarge, InvalidRequest, MethodNotAllowed, TurnpikeError
from turnpike.relay.head import Pairs, RequestHead

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.protocol import ClientConnection
    from turnpike.relay.uploads import Form, Upload

_AHEAD_LIMIT = 64 * 1024
"""Bytes of further requests held while one is being answered; then the connection is not read."""
_READ_BYTES = 256 * 1024
"""The most that one read brings."""
_MAX_DIGITS = 12
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Conversation(Protocol):
    """What serves one request of this connection."""

    def client_gone(self) -> None:
        """The caller left before it had its answer."""
        ...

    def client_stalled(self) -> None:
        """The caller does not take its answer: stop producing."""
        ...

    def client_ready(self) -> None: ...


class _Memo:
    """A head that may come again: the bytes before and behind its Content-Length's digits."""

    __slots__ = ("after", "after_bytes", "before", "head", "start")

    def __init__(self, before: bytes, after: bytes, head: RequestHead) -> None:
        self.before = before
        self.start = len(before)
        self.after = after
        self.after_bytes = len(after)
        self.head = head


class RequestReader(asyncio.Protocol):
    """What `turnpike.relay.protocol.ClientConnection` knows of its caller's requests until they are served."""

    __slots__ = (
        "_ahead", "_body_bytes", "_complete", "_discarding", "_head", "_head_bytes", "_headers", "_idle", "_memo",
        "_more", "_parser", "_pieces", "_ready", "_refusal", "_relay", "_serve", "_target", "_transport", "_upload",
        "closed", "closing", "conversation", "head", "since", "stalled",
    )  # fmt: skip

    _transport: asyncio.Transport

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._serve = cast("Callable[[RequestReader, RequestHead, bytes | Form], None]", relay.serve)
        self._parser: httptools.HttpRequestParser | None = None
        self._headers: Pairs = []
        self._target = b""
        self._head: RequestHead | None = None
        """The head of the request that is being read."""
        self._pieces: list[bytes] = []
        self._head_bytes = self._body_bytes = 0
        self._complete = True
        """The parser stands between two requests."""
        self._idle = True
        """So does everything else: nothing is being answered, nothing was read ahead."""
        self._more = False
        """There is something to do when the present answer is out: requests read ahead, a part of one, a refusal."""
        self._discarding = False
        self._refusal: TurnpikeError | None = None
        """What is wrong with what came last; said when everything before it is answered."""
        self._ready: deque[tuple[RequestHead, bytes | Form]] = deque()
        self._ahead = b""
        self._memo: _Memo | None = None
        self._upload: Upload | None = None
        """The body that is being read, on a route that takes forms."""
        self.conversation: Conversation | None = None
        self.head: RequestHead | None = None
        """The head of the request that is being answered."""
        self.since = relay.tick.now
        self.stalled = self.closed = self.closing = False

    def forget_head(self) -> None:
        """The next head is looked at anew: what holds for heads has changed."""
        self._memo = None

    def _write(self, data: bytes) -> None:
        self._relay.outbox.write(self._transport, data)

    # ---- bytes come

    def data_received(self, data: bytes) -> None:
        if self._idle:
            self.since = self._relay.tick.now
            memo = self._memo
            if memo is not None and data.startswith(memo.before):
                start = memo.start
                stop = data.find(b"\r", start, start + _MAX_DIGITS)
                digits = data[start:stop]
                if digits.isdigit() and data.startswith(memo.after, stop):
                    body_start = stop + memo.after_bytes
                    if len(data) - body_start == int(digits):
                        self._idle = False
                        head = self.head = memo.head
                        self._serve(self, head, data[body_start:])
                        return
            self._feed(data)
        elif self.conversation is not None or self._ahead or self._ready or self.stalled:
            self._hold(data)
        else:
            if self._head is not None and not self.closing:
                # A body may take its time from read to read; a head has its time in all, however slowly it drips.
                self.since = self._relay.tick.now
            self._feed(data)

    def _hold(self, data: bytes) -> None:
        """A request ahead of its turn (pipelining): kept as bytes until the present one is answered."""
        self._more = True
        self._ahead += data
        if len(self._ahead) > _AHEAD_LIMIT:
            self._transport.pause_reading()

    def _feed(self, data: bytes) -> None:
        if self._discarding:
            return
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpRequestParser(self)
        fresh = self._complete
        self._idle = False
        if fresh:
            self._head_bytes = 0
        if self._head is None:
            self._head_bytes += len(data)
        try:
            parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgraded(data, upgrade)
            return
        except httptools.HttpParserError as error:
            self._reject(InvalidRequest(f"This is not a well-formed HTTP/1.1 request: {_parser_words(error)}."))
        else:
            limit = self._relay.settings.head_limit_bytes
            if self._head is None and not self._complete and self._head_bytes > limit:
                self._reject(self._head_too_large())
        if fresh and len(self._ready) == 1 and self._complete:
            self._memorise(data, self._ready[0][0])
        self._more = len(self._ready) > 1 or not self._complete or self._refusal is not None
        self._next()

    def _next(self) -> None:
        """Serves the next complete request, if there is one and none is being answered."""
        if self.conversation is None and self._ready and not self.closed:
            head, body = self._ready.popleft()
            self.head = head
            self._serve(self, head, body)

    def _memorise(self, data: bytes, head: RequestHead) -> None:
        """Remembers the head of a request that came whole in one read."""
        if head.method != b"POST" or head.content_length is None or head.fault or not head.keep_alive or head.upgrade:
            return
        if head.chunked or head.expects_continue or head.http_1_0 or head.takes_form:
            return
        if self._relay.settings.body_limit_bytes < _READ_BYTES:
            return  # what comes in one read is not measured again
        end = data.find(b"\r\n\r\n") + 4
        at = data[:end].lower().find(b"\r\ncontent-length:") + 17
        stop = data.find(b"\r", at, end)
        digits = data[at:stop].strip()
        start = stop - len(digits)
        # Only the exact shape that is compared later is remembered: digits up to the line's end, body up to the read's.
        if at > 16 and digits.isdigit() and data[start:stop] == digits and end + int(digits) == len(data):
            self._memo = _Memo(data[:start], data[stop:end], head)

    def _reject(self, error: TurnpikeError) -> None:
        """The stream of requests cannot be read on: answer what is wrong, in its turn, and close."""
        if self._discarding:
            return
        self._discarding = True
        self._memo = None
        self._refusal = error
        if self._upload is not None:
            self._upload.close()
            self._upload = None
        if self.conversation is None and not self._ready:
            self._refuse()

    def _refuse(self) -> None:
        assert self._refusal is not None
        self.closing = True
        self._relay.refuse(cast("ClientConnection", self), self._head, self._refusal)

    def _upgraded(self, data: bytes, upgrade: httptools.HttpParserUpgrade) -> None:
        """llhttp stops where an upgrade is asked for and takes the request for bodiless."""
        rest = data[int(upgrade.args[0]) :]
        head, _ = self._ready.pop() if self._ready else (None, b"")
        if head is not None and head.method == b"CONNECT":
            self._head = head
            self._reject(MethodNotAllowed("This is no proxy: CONNECT is not taken."))
            self._more = True
            self._next()
            return
        if head is not None and head.is_websocket:
            self._ahead += rest
            self._discarding = True
            self._ready.append((head, b""))
            self._more = True
            self._next()
            return
        # Any other upgrade (h2c, which some clients offer with every request) is declined by not answering it
        # (RFC 9110, 7.8): the request is read again without the offer, as the plain request that it also is.
        self._parser = None
        self._complete = True
        if head is not None:
            self._feed(head.without_upgrade() + rest)

    # ---- httptools callbacks: they note, `_next` acts

    def on_message_begin(self) -> None:
        self._complete = False
        self._head = None
        self._headers = []
        self._target = b""

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the head these are trailers, which mean nothing here.
        if self._head is None:
            self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        parser = self._parser
        version = parser.get_http_version()
        head = RequestHead(parser.get_method(), self._target, self._headers, http_1_0=version == "1.0")
        self._head = head
        size = len(self._target) + sum(len(name) + len(value) + 4 for name, value in self._headers)
        if size > self._relay.settings.head_limit_bytes:
            self._reject(self._head_too_large())
            return
        if version not in ("1.1", "1.0") or (head.http_1_0 and head.chunked):
            # RFC 9112, 6.1: chunks in HTTP/1.0 are a sign that somebody on the way understood something else.
            self._reject(InvalidRequest(f"A request of HTTP/{version} in this form is not taken; send HTTP/1.1."))
            return
        self._pieces = []
        self._body_bytes = 0
        settings = self._relay.settings
        head.takes_form = self._relay.uploads.wants(head)
        limit = settings.upload_limit_bytes if head.takes_form else settings.body_limit_bytes
        if head.content_length is not None and head.content_length > limit:
            head.fault = head.fault or too_large(limit)
        head.fault = head.fault or self._relay.early_refusal(cast("ClientConnection", self), head)
        if head.takes_form and head.fault is None:
            self._begin_upload(head)
        if head.fault is not None and (head.content_length or head.chunked):
            # The body is not worth waiting for.
            self._reject(head.fault)
        elif self._upload is None or self._upload.welcome:
            self._invite(head)

    def _invite(self, head: RequestHead) -> None:
        """To a caller that asks before it sends its body (RFC 9110, 10.1.1)."""
        if head.expects_continue and not head.http_1_0 and self.conversation is None and not self._ready:
            self._write(_CONTINUE)

    # ---- forms

    def _begin_upload(self, head: RequestHead) -> None:
        """Its caller is checked before the body is read on, and while control is asked nothing is."""
        try:
            upload = self._upload = self._relay.uploads.begin(cast("ClientConnection", self), head)
        except TurnpikeError as error:
            head.fault = error
            return
        if not upload.welcome:
            self._transport.pause_reading()

    def upload_checked(self, upload: "Upload", error: TurnpikeError | None) -> None:
        """What became of the question who the caller of a form is."""
        if self.closed:
            return
        self._transport.resume_reading()
        if self._upload is not upload:
            return  # the body had come with its head
        if error is not None:
            self._reject(error)
        elif self._head is not None:
            self._invite(self._head)

    def drop_bodies(self) -> None:
        """Lets go of the files of forms that nobody will serve."""
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.close()
        for _, body in self._ready:
            if not isinstance(body, bytes):
                body.close()
        self._ready.clear()

    def _head_too_large(self) -> HeadTooLarge:
        limit = self._relay.settings.head_limit_bytes
        return HeadTooLarge(f"The request's head is larger than {limit} bytes.", details={"limit_bytes": limit})

    def on_body(self, body: bytes) -> None:
        if self._discarding:
            return
        if self._upload is not None:
            try:
                self._upload.feed(body)
            except TurnpikeError as error:
                self._reject(error)
            return
        self._body_bytes += len(body)
        self._pieces.append(body)
        limit = self._relay.settings.body_limit_bytes
        if self._body_bytes > limit:
            self._reject(too_large(limit))

    def on_message_complete(self) -> None:
        self._complete = True
        # What was read of a further head came in this read too: it is counted from the next one on.
        self._head_bytes = 0
        head = self._head
        if head is None or self._discarding:
            return
        if self._upload is not None:
            try:
                form = self._upload.finish()
            except TurnpikeError as error:
                self._reject(error)
                return
            self._upload = None
            self._head = None
            self._ready.append((head, form))
            return
        pieces = self._pieces
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._pieces = []
        self._head = None
        self._ready.append((head, body))

    # ---- what comes next

    def _go_on(self) -> None:
        """Nothing is being answered, and the caller takes what it is sent: on to what comes next."""
        if self._ready:
            # Not from here: a caller that pipelines thousands of requests must not deepen the stack with each.
            asyncio.get_running_loop().call_soon(self._next)
        elif self._refusal is not None:
            self._refuse()
        elif self._ahead:
            asyncio.get_running_loop().call_soon(self._feed_ahead)
        else:
            # The beginning of the next request may have come with the last one.
            self._more = not self._complete
            self._idle = self._complete

    def _feed_ahead(self) -> None:
        if self.conversation is None and self._ahead and not self.closed:
            ahead, self._ahead = self._ahead, b""
            if len(ahead) > _AHEAD_LIMIT:
                self._transport.resume_reading()
            self._feed(ahead)


def too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(
        f"The request's body is larger than the {limit} bytes that this gateway takes.", details={"limit_bytes": limit}
    )


def _parser_words(error: httptools.HttpParserError) -> str:
    words = str(error) or type(error).__name__
    return words.strip(".")[:200]
