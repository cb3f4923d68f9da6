"""Every request that may change something is an act with a name, and leaves an entry in the audit log.

The entry is written with the change itself (db/audit_log.py), whatever route or domain made it; what was done without
a row changing, and what was refused or failed, is noted here. A route names itself: `DELETE /api/v1/keys/{key_id}` is
`key.delete`, `POST /api/v1/keys/{key_id}/rotate` is `key.rotate`. One that is no administration (it looks like a
change, and is none) says so with `openapi_extra=NOT_AUDITED`.
"""

import re
from dataclasses import replace
from typing import Any

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from turnpike.control.audit.entries import ANONYMOUS, FAILED, REFUSED, Act, Draft, Named, current_act
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.db.recording import kind_of
from turnpike.control.services import ControlServices
from turnpike.control.web.envelope import request_id
from turnpike.control.web.errors import CODE
from turnpike.errors import Forbidden, InvalidRequest, TurnpikeError, Unauthenticated
from turnpike.kit.clock import now_ms

NOT_AUDITED = {"x-audit": False}
ACT = "turnpike.act"
PREFIX = "/api/v1/"
_CHANGING = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_NO_NOUNS = frozenset(("ai", "admin", "current", "me", "my", "own"))
_SILENT = 401, 403
_UNREAD = 400, 404, 413, 415, 422
"""What the path names may then be anything: a key that was pasted into the wrong place, say."""
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
log = structlog.get_logger()


class AuditTrail:
    """ASGI middleware inside of Edge, which gives the request its id."""

    def __init__(self, app: ASGIApp, services: ControlServices) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        act = Act(lambda: name_of(scope), request_id.get(), address_of(Request(scope)))
        act.audited = lambda: is_audited(scope)
        scope[ACT] = act
        changing = scope["method"] in _CHANGING

        async def send_noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                await self._ended(scope, act, message["status"], changing=changing)
            await send(message)

        token = current_act.set(act) if changing else None
        try:
            await self._app(scope, receive, send_noted)
        finally:
            if token is not None:
                current_act.reset(token)

    async def _ended(self, scope: Scope, act: Act, status: int, *, changing: bool) -> None:
        if status in _SILENT:
            self._services.refusals.note(_refusal(scope, act, status, changing=changing))
        elif changing and status >= 400 and act.actor_kind != ANONYMOUS and is_audited(scope):
            self._services.refusals.note(_failure(scope, act, status))
        elif changing and status < 400 and not act.recorded and is_audited(scope):
            try:
                async with self._services.database.write():
                    pass
            except UNREACHABLE as error:
                log.warning("audit_entry_put_off", error_type=type(error).__name__)
                self._services.refusals.note(act.draft(now_ms()))


def is_audited(scope: Scope) -> bool:
    route = scope.get("route")
    return route is not None and (getattr(route, "openapi_extra", None) or {}).get("x-audit") is not False


def _refusal(scope: Scope, act: Act, status: int, *, changing: bool) -> Draft:
    named = act.named() if changing or scope.get("route") is not None else Named("request.read")
    action = named.action if changing else f"{named.object_kind or 'request'}.read"
    code = scope.get(CODE) or (Unauthenticated.code if status == 401 else Forbidden.code)
    personal = {"actor": act.actor_name, "address": act.address}
    return Draft(
        action=action if act.actor_kind != ANONYMOUS else "request.authenticate",
        at_ms=now_ms(),
        outcome=REFUSED,
        error_code=code,
        actor_kind=act.actor_kind,
        actor_id=act.actor_id,
        key_id=act.key_id,
        department_id=act.department_id,
        object_kind=named.object_kind,
        object_id=named.object_id if act.actor_kind != ANONYMOUS else None,
        request_id=act.request_id,
        personal={name: value for name, value in personal.items() if value},
    )


def _failure(scope: Scope, act: Act, status: int) -> Draft:
    """Nothing of what was sent, and of the path only what is an id."""
    draft = act.draft(now_ms())
    if status in _UNREAD and not _ID.fullmatch(draft.object_id or ""):
        draft = replace(draft, object_id=None)
    code = scope.get(CODE) or (TurnpikeError.code if status >= 500 else InvalidRequest.code)
    return replace(draft, outcome=FAILED, error_code=code)


def name_of(scope: Scope) -> Named:
    """From the route's own path, never from what a caller sent."""
    path: str = getattr(scope.get("route"), "path", "")
    return name_route(scope["method"], path, scope.get("path_params") or {})


def name_route(method: str, path: str, parameters: dict[str, Any]) -> Named:
    """`path` is a route's template."""
    parts = [part for part in path.removeprefix(PREFIX).split("/") if part]
    if not parts:
        return Named("request." + _CHANGING.get(method, "read"))
    last = parts[-1]
    verb = _CHANGING.get(method, "read")
    if not last.startswith("{") and len(_nouns(parts)) > 1 and not _is_collection(last):
        verb, parts = last, parts[:-1]
    nouns = _nouns(parts)
    noun = kind_of(nouns[-1]) if nouns else "request"
    own = parts[-1].strip("{}").partition(":")[0] if parts and parts[-1].startswith("{") else None
    object_id = str(parameters[own]) if own in parameters else None
    return Named(f"{noun}.{verb}", noun, object_id)


def _nouns(parts: list[str]) -> list[str]:
    return [part for part in parts if not part.startswith("{") and part not in _NO_NOUNS]


def _is_collection(part: str) -> bool:
    return part.endswith("s") and "-" not in part


def address_of(request: Request) -> str | None:
    """The caller's address as the relay wrote it: it rewrites forwarding headers, so the last entry is its word."""
    forwarded = request.headers.get("x-forwarded-for", "")
    last = forwarded.rpartition(",")[2].strip()
    return last or (request.client.host if request.client else None)
