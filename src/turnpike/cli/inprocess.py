"""An httpx2 transport to an ASGI application in this process that passes an answer on as it comes.

httpx2's own collects the whole answer first, which for an export of a large ledger is more than the memory there is.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

import httpx2

Message = MutableMapping[str, Any]
App = Callable[[Any, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]
_AHEAD = 4
"""Parts that the application may be ahead of its reader."""


class _Body(httpx2.AsyncByteStream):
    """The parts of an answer, until None. Closing it early ends the application's work on it."""

    def __init__(self, parts: "asyncio.Queue[bytes | None]", running: asyncio.Task[None]) -> None:
        self._parts = parts
        self._running = running

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self._parts.get()) is not None:
            yield part
        await self._running

    async def aclose(self) -> None:
        self._running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._running


class InProcess(httpx2.AsyncBaseTransport):
    def __init__(self, app: App) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        parts: asyncio.Queue[bytes | None] = asyncio.Queue(_AHEAD)
        head: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()  # the caller stays; leaving is a cancellation
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.set_result(message)
                return
            if message.get("body"):
                await parts.put(message["body"])
            if not message.get("more_body"):
                await parts.put(None)

        async def work() -> None:
            try:
                await self._app(_scope(request), receive, send)
            finally:
                if not head.done():
                    head.cancel()

        running = asyncio.create_task(work())
        try:
            start = await head
        except asyncio.CancelledError:
            await running  # raises what ended it
            raise
        return httpx2.Response(start["status"], headers=start.get("headers", []), stream=_Body(parts, running))


def _scope(request: httpx2.Request) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "scheme": "http",
        "path": request.url.path,
        "raw_path": request.url.raw_path.split(b"?")[0],
        "query_string": request.url.query,
        "server": ("turnpike", 80),
        "client": None,
        "root_path": "",
    }
