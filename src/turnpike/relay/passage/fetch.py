"""One exchange with a provider, awaited: its head first, then its body in parts, paused while the caller is slow."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from turnpike.errors import TurnpikeError, UpstreamGarbage
from turnpike.relay.answer import AnswerHead, Decoder
from turnpike.relay.pools import Pool
from turnpike.relay.upstream import Source, UpstreamConnection

_REPEATABLE = (b"GET ", b"PUT ", b"DELETE ")


class Fetch:
    """Fills `turnpike.relay.upstream.Exchange`. Sent once; a request that makes something is never sent twice."""

    connection: UpstreamConnection | None = None

    def __init__(self, pool: Pool, limit_bytes: int) -> None:
        """`limit_bytes` bounds what a compressed body may grow to."""
        self._pool = pool
        self._limit = limit_bytes
        self._head: asyncio.Future[AnswerHead] = asyncio.get_running_loop().create_future()
        self._parts: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._failure: TurnpikeError | None = None
        self._decoder: Decoder | None = None
        self._request: tuple[bytes, bytes | Source, float] = (b"", b"", 0.0)

    async def head(self, head: bytes, body: "bytes | Source", timeout_s: float) -> AnswerHead:
        """Sends, and waits for the answer to begin. Raises UpstreamError or Unavailable."""
        self._request = (head, body, timeout_s)
        # A kept connection may turn out to be closed when it is too late to know what became of the request.
        self._pool.send(self, head, body, timeout_s, fresh=not head.startswith(_REPEATABLE))
        answer = await self._head
        if answer.encoded:
            self._decoder = Decoder(answer.get(b"content-encoding") or b"", self._limit)
        return answer

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises UpstreamError when it breaks off."""
        while True:
            while self._parts:
                data = self._parts.popleft()
                yield data if self._decoder is None else self._decoder.feed(data)
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return
            self._news.clear()
            await self._news.wait()

    async def whole(self, limit_bytes: int) -> bytes:
        """All of the body. Raises UpstreamGarbage when there is more."""
        pieces: list[bytes] = []
        size = 0
        async for data in self.parts():
            size += len(data)
            if size > limit_bytes:
                self.abort()
                raise UpstreamGarbage(f"The provider's answer is larger than the {limit_bytes} bytes that are taken.")
            pieces.append(data)
        return b"".join(pieces)

    def abort(self) -> None:
        """Ends it, whatever comes."""
        if self.connection is not None:
            self.connection.abort()
        elif not self._ended:
            self._pool.forget(self)
        self._ended = True
        self._news.set()

    def pause(self) -> None:
        if self.connection is not None:
            self.connection.pause()

    def resume(self) -> None:
        if self.connection is not None:
            self.connection.resume()

    # ---- Exchange

    def on_plain(self, raw: bytes, body: bytes) -> None:
        self.on_whole(AnswerHead(200, raw=raw), body)

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        self.on_head(head)
        self.on_end(body)

    def on_head(self, head: AnswerHead) -> None:
        if not self._head.done():
            self._head.set_result(head)

    def on_data(self, data: bytes) -> None:
        self._parts.append(data)
        self._news.set()

    def on_end(self, data: bytes) -> None:
        if data:
            self._parts.append(data)
        self._ended = True
        self._news.set()

    def on_failure(self, error: TurnpikeError, *, stale: bool) -> None:
        head, body, timeout_s = self._request
        if stale and head.startswith(_REPEATABLE):
            self._pool.send(self, head, body, timeout_s, fresh=True)
            return
        self._fail(error)

    def on_fault(self, error: Exception) -> None:
        self._fail(TurnpikeError())

    def grace_s(self) -> float:
        return 0.0

    def _fail(self, error: TurnpikeError) -> None:
        self._ended = True
        self._failure = error
        if not self._head.done():
            self._head.set_exception(error)
        self._news.set()
