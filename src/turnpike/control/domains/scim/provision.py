"""/scim/v2: who provisions, in whose name, and errors in the form of RFC 7644. The rest is in serving.py, loaded with
the first request."""

from importlib import import_module
from typing import Annotated, Any

import msgspec
import structlog
from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy.exc import IntegrityError

from turnpike.control.audit.entries import REFUSED, SCIM, Act, Draft, Named, current_act
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.domains.scim.tokens import ScimClient, client_of
from turnpike.control.services import ControlServices
from turnpike.control.web.audit import address_of
from turnpike.control.web.envelope import request_id
from turnpike.control.web.principal import Services
from turnpike.errors import Conflict, Forbidden, InvalidRequest, TurnpikeError, Unauthenticated
from turnpike.kit.clock import now_ms

BASE = "/scim/v2"
MEDIA_TYPE = "application/scim+json"
RETRY_AFTER_S = 2
_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "update", "DELETE": "delete"}
_KINDS = {"users": "user", "groups": "scim_group"}
_OPEN = frozenset(("ServiceProviderConfig",))
router = APIRouter(include_in_schema=False)
log = structlog.get_logger()


TOKEN_FOR_SCIM = "scim"  # noqa: S105 - no secret
"""Instead of a permission: who may is told by a token of its own kind."""


class MayProvision:
    """A dependency: who shows a token for SCIM, None for nobody. The route answers for it, in SCIM's own form."""

    permission = TOKEN_FOR_SCIM

    async def __call__(self, request: Request, control: Services) -> ScimClient | None:
        header = request.headers.get("authorization", "")
        return await client_of(control.database, header, control.sealer.keyring.pepper)


Provisioner = Annotated[ScimClient | None, Depends(MayProvision())]


@router.api_route(BASE + "/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
async def provision(request: Request, control: Services, client: Provisioner, path: str) -> Response:
    """Everything of SCIM. What changes something is one transaction, and an entry in the audit log."""
    act = _act(request, client, path)
    if client is None and path not in _OPEN:
        error = Unauthenticated("A SCIM token is needed as `Authorization: Bearer tps-...`; an API key is none.")
        return _refused(control, act, error)
    try:
        return await _serve(request, control, client, path, act)
    except TurnpikeError as error:
        return _refused(control, act, error)
    except IntegrityError:
        return _error(Conflict("This conflicts with what is already there."), "uniqueness")
    except UNREACHABLE as error:
        log.error("database_unreachable_in_request", error_type=type(error).__name__)
        answer = _form(503, "The database cannot be reached at the moment.", None)
        answer.headers["retry-after"] = str(RETRY_AFTER_S)
        return answer


async def _serve(
    request: Request, control: ControlServices, client: ScimClient | None, path: str, act: Act
) -> Response:
    serving: Any = import_module("turnpike.control.domains.scim.serving")
    asked = serving.asked(
        method=request.method,
        base_url=f"{_base(request, control)}{BASE}",
        path=path,
        query=dict(request.query_params),
        headers=request.headers.items(),
        body=await request.body(),
    )
    changing = request.method in _VERBS and not path.endswith(".search")
    token = current_act.set(act) if changing else None
    try:
        async with control.database.write() if changing else control.database.read() as session:
            status, headers, body = await serving.serve(session, client, asked)
    except serving.REFUSALS as refusal:
        status, headers, body = serving.refused(asked, refusal)
    finally:
        if token is not None:
            current_act.reset(token)
    content = b"" if body is None else msgspec.json.encode(body)
    return Response(content, status, headers)


def _base(request: Request, control: ControlServices) -> str:
    """As the provider reaches us; by its own word only where the settings do not say."""
    own = control.settings.web_url
    return own if own is not None else f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"


def _act(request: Request, client: ScimClient | None, path: str) -> Act:
    parts = path.split("/")
    kind = _KINDS.get(parts[0].lower(), "scim")
    named = Named(f"{kind}.{_VERBS.get(request.method, 'read')}", kind, parts[1][:64] if len(parts) > 1 else None)
    act = Act(lambda: named, request_id.get(), address_of(request))
    if client is not None:
        act.actor_kind, act.key_id, act.actor_name = SCIM, client.token_id, client.name
    return act


def _refused(control: ControlServices, act: Act, error: TurnpikeError) -> Response:
    if error.status in (401, 403):
        named = act.named()
        personal = {"actor": act.actor_name, "address": act.address}
        control.refusals.note(
            Draft(
                action=named.action if act.key_id else "request.authenticate",
                at_ms=now_ms(),
                outcome=REFUSED,
                error_code=error.code,
                actor_kind=act.actor_kind,
                key_id=act.key_id,
                object_kind=named.object_kind,
                object_id=named.object_id if act.key_id else None,
                request_id=act.request_id,
                personal={name: value for name, value in personal.items() if value},
            )
        )
    kind = None
    if isinstance(error, InvalidRequest):
        kind = "invalidValue"
    elif isinstance(error, Conflict) and error.details.get("param") in ("email", "ext_subject"):
        kind = "uniqueness"
    elif isinstance(error, Forbidden):
        kind = None
    return _error(error, kind)


def _error(error: TurnpikeError, kind: str | None) -> Response:
    answer = _form(error.status, error.message, kind)
    if error.status == 401:
        answer.headers["www-authenticate"] = 'Bearer realm="SCIM"'
    return answer


def _form(status: int, detail: str, kind: str | None) -> Response:
    body = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    body.update({"scimType": kind} if kind is not None else {})
    return Response(msgspec.json.encode(body), status, media_type=MEDIA_TYPE)
