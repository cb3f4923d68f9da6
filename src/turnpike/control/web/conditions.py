"""ETag, If-None-Match and If-Match for every resource that can be read and changed at one address (RFC 9110, 13).

A tag is a digest of what the resource's GET shows, without what changes by itself (fields marked VOLATILE, such as what
a budget has spent). A change with If-Match reads the resource through that same GET, inside the transaction of the
change and behind a lock of that address, so nothing comes between the comparison and the change.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, cast

import msgspec
from fastapi import FastAPI, Request
from pydantic import BaseModel
from sqlalchemy import text
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from turnpike.control.db.sessions import WriteSession
from turnpike.control.web.audit import ACT
from turnpike.control.web.routes import CHANGING, changed_paths, routes_of
from turnpike.errors import InvalidRequest, PreconditionFailed, PreconditionRequired

SESSION = "turnpike.session"
"""In an ASGI scope: the session that a request made by ourselves reads with."""
_OURS = ("route", "endpoint", "path_params", ACT)
_DROPPED = frozenset((b"if-match", b"if-none-match", b"content-length", b"content-type", b"transfer-encoding"))
_JSON = "application/json"


@dataclass
class Tagged:
    """Which resources have tags; made of the application's routes when it is first needed."""

    app: FastAPI
    _volatile: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    _models: dict[str, Any] = field(default_factory=dict[str, Any])

    def volatile(self, path: str) -> frozenset[str] | None:
        """None where there is no tag."""
        if not self._volatile:
            paths = changed_paths(self.app)
            for route in routes_of(self.app):
                if route.path in paths and "GET" in (route.methods or ()):
                    self._volatile[route.path] = _volatile_of(route.response_model)
                    self._models[route.path] = route.response_model
        return self._volatile.get(path)

    def shows(self, path: str, model: Any) -> bool:
        """Whether an answer of `model` shows what the path's GET does."""
        return self.volatile(path) is not None and self._models[path] == model


def _volatile_of(model: Any) -> frozenset[str]:
    fields = getattr(model, "model_fields", {})
    shown = fields["data"].annotation if "data" in fields else None
    if not isinstance(shown, type) or not issubclass(shown, BaseModel):
        return frozenset()
    extras = {name: info.json_schema_extra for name, info in shown.model_fields.items()}
    return frozenset(name for name, extra in extras.items() if isinstance(extra, dict) and extra.get("x-volatile"))


def tag_of(body: bytes, volatile: frozenset[str]) -> str:
    """A strong tag of an envelope's data, with its quotes."""
    data = msgspec.json.decode(body)["data"]
    if isinstance(data, dict):
        data = {name: value for name, value in cast("dict[str, Any]", data).items() if name not in volatile}
    shown = msgspec.json.encode(data, order="deterministic")
    return f'"{blake2b(shown, digest_size=16, person=b"tp-etag").hexdigest()}"'


class Conditional:
    """ASGI middleware next to the router: tags answers, and shortens those that the caller has already."""

    def __init__(self, app: ASGIApp, tagged: Tagged) -> None:
        self._app = app
        self._tagged = tagged

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in {"GET", "PUT", "PATCH"}:
            await self._app(scope, receive, send)
            return
        held: list[Message] = []
        body = bytearray()

        async def send_tagged(message: Message) -> None:
            if message["type"] == "http.response.start":
                if self._has_tag(scope, message):
                    held.append(message)
                    return
            elif held:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                message = {**message, "body": self._tag(scope, held[0], bytes(body))}
                await send(held.pop())
            await send(message)

        await self._app(scope, receive, send_tagged)

    def _has_tag(self, scope: Scope, start: Message) -> bool:
        route = scope.get("route")
        if start["status"] != 200 or route is None or Headers(raw=start["headers"]).get("content-type") != _JSON:
            return False
        return self._tagged.shows(getattr(route, "path", ""), getattr(route, "response_model", None))

    def _tag(self, scope: Scope, start: Message, body: bytes) -> bytes:
        tag = tag_of(body, self._tagged.volatile(scope["route"].path) or frozenset())
        headers = MutableHeaders(raw=start["headers"])
        headers["etag"] = tag
        known = Headers(scope=scope).get("if-none-match")
        if scope["method"] == "GET" and known is not None and _names(known, tag, weakly=True):
            start["status"] = 304
            del headers["content-length"]
            del headers["content-type"]
            return b""
        return body


def _names(header: str, tag: str, *, weakly: bool = False) -> bool:
    """Whether a list of tags has this one, or is `*`. If-Match compares strongly: `W/` never matches there."""
    words = [word.strip() for word in header.split(",")]
    return "*" in words or any((word.removeprefix("W/") if weakly else word) == tag for word in words)


# ---- before a change


async def check(session: WriteSession, request: Request, *, required: bool) -> None:
    """Raises PreconditionFailed, PreconditionRequired, or InvalidRequest where there is nothing to compare."""
    if request.method not in CHANGING:
        return
    wanted, unwanted = request.headers.get("if-match"), request.headers.get("if-none-match")
    tagged: Tagged = request.app.state.tagged
    path = request.scope["route"].path
    volatile = tagged.volatile(path)
    if wanted is None and unwanted is None:
        if required and volatile is not None:
            raise PreconditionRequired(
                "Changes need If-Match here: read what you want to change, and send its ETag.",
                details={"header": "If-Match"},
            )
        return
    if volatile is None:
        raise InvalidRequest("There are no ETags at this address: ask without If-Match.", details={"path": path})
    await _lock(session, request)
    tag = await _current(session, request, volatile)
    if wanted is not None and (tag is None or not _names(wanted, tag)):
        raise PreconditionFailed(
            "This is not what is there now: somebody changed it since. Read it anew.",
            details={"header": "If-Match", **({"etag": tag} if tag else {})},
        )
    if unwanted is not None and tag is not None and _names(unwanted, tag, weakly=True):
        raise PreconditionFailed("There is such a thing already.", details={"header": "If-None-Match", "etag": tag})


async def hold(session: WriteSession, request: Request) -> None:
    """Changes of one resource wait for each other, whether they name a version or not."""
    if request.method in CHANGING and request.path_params:
        await _lock(session, request)


async def _lock(session: WriteSession, request: Request) -> None:
    """Until the transaction ends. SQLite has one writer at a time anyway."""
    if session.get_bind().dialect.name != "postgresql" or session.info.get("held"):
        return
    session.info["held"] = True
    address = blake2b(request.url.path.rstrip("/").lower().encode(), digest_size=8, person=b"tp-held").digest()
    number = int.from_bytes(address, "big", signed=True)
    await session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


async def _current(session: WriteSession, request: Request, volatile: frozenset[str]) -> str | None:
    """The tag of what is there now; None when there is nothing, or nothing that this caller may see."""
    scope = {name: value for name, value in request.scope.items() if name not in _OURS}
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _DROPPED]
    scope |= {"method": "GET", "headers": headers, SESSION: session}
    status, body = 0, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            body.extend(message.get("body", b""))

    await request.app.router(scope, receive, send)
    # What was read to be shown must not stand for what the change reads behind its own locks.
    session.expunge_all()
    return tag_of(bytes(body), volatile) if status == 200 else None
