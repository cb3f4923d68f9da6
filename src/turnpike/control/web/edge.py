"""The outermost layer of control's HTTP: request ids, paths with or without a trailing slash, log lines, and the last
resort when something of ours breaks."""

import re
import time
from collections.abc import Iterable

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from turnpike.control.web.envelope import request_id
from turnpike.control.web.errors import internal
from turnpike.kit.ids import new_id

_ID = re.compile(r"^[A-Za-z0-9._:/+=-]{1,128}$")
log = structlog.get_logger()


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        asked = given if _ID.match(given) else new_id()
        token = request_id.set(asked)
        structlog.contextvars.bind_contextvars(request_id=asked)
        try:
            await self._answer(_without_trailing_slash(scope), receive, send, asked)
        finally:
            structlog.contextvars.clear_contextvars()
            request_id.reset(token)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, asked: str) -> None:
        started = time.monotonic()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", asked.encode())]
                message = {**message, "headers": [*headers, *security_headers(headers)]}
            await send(message)

        try:
            await self._app(scope, receive, send_marked)
        except Exception:  # a bug of ours must not cost the caller its answer
            log.exception("fault", method=scope["method"], path=scope["path"])
            if status == 0:
                await internal()(scope, receive, send_marked)
        # The operator's own commands are many and known to their author: they need not fill a newcomer's terminal.
        note = log.debug if scope.get(OPERATOR) and status < 500 else log.info
        note(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            elapsed_ms=round((time.monotonic() - started) * 1000, 1),
        )


def security_headers(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """What an answer has beside its own headers: nobody frames a page of ours, learns our addresses by a link, reads
    JSON as something else, or keeps what an administrator saw."""
    given = dict(headers)
    added = {
        b"x-content-type-options": b"nosniff",
        b"referrer-policy": b"no-referrer",
        b"cache-control": b"no-store",
    }
    if given.get(b"content-type", b"").startswith(b"text/html"):
        added |= {b"content-security-policy": b"frame-ancestors 'none'", b"x-frame-options": b"DENY"}
    return [(name, value) for name, value in added.items() if name not in given]


def _without_trailing_slash(scope: Scope) -> Scope:
    path: str = scope["path"]
    if len(path) > 1 and path.endswith("/"):
        stripped = path.rstrip("/") or "/"
        return {**scope, "path": stripped, "raw_path": stripped.encode()}
    return scope


class AdminDoor:
    """Marks what comes in by the admin socket, whose file only the operator of this machine can open."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, OPERATOR: True}, receive, send)


OPERATOR = "turnpike.operator"
"""In an ASGI scope, set by AdminDoor alone: no header can say it."""
