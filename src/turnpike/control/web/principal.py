"""Who is asking, and whether they may. Every route names what it needs: `Depends(May(Permission.VIEW_KEYS))`; with it
comes `actor.scope`, without which there is no query (turnpike.control.rights).

An API key comes as `Authorization: Bearer` or `x-api-key`, an access token as `Authorization: Bearer`, a browser's
session as its cookie; whoever came in by the admin socket is the operator of this machine, who may do everything. Role
and department are those of now, whatever a token says.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer

from turnpike.contract.access import Role
from turnpike.contract.grants import KEY_PREFIX, KeyGrant, PersonalAccess, key_digest
from turnpike.contract.scopes import SCOPE_BIT, SCOPES, to_bits
from turnpike.control.audit.entries import OPERATOR as OPERATOR_ACTS
from turnpike.control.audit.entries import USER, Act
from turnpike.control.oidc.jose import looks_like_jwt
from turnpike.control.rights.permissions import Permission, Reach, Rights
from turnpike.control.rights.policy import NO_DATA, Scope, Target, decide, own_scope
from turnpike.control.rights.roles import EVERYTHING, NOTHING, key_rights, permission_of, rights_of, scopes_opening
from turnpike.control.services import ControlServices
from turnpike.control.web.audit import ACT, address_of
from turnpike.control.web.cookies import check_csrf, session_cookie
from turnpike.control.web.edge import OPERATOR
from turnpike.errors import AddressForbidden, InvalidRequest, Maintenance, ScopeMissing, Unauthenticated
from turnpike.kit.networks import Networks, address_in

PUBLIC = "public"
OPERATOR_NAME = "x-turnpike-operator"
"""Header by which the command says who types it; heard on the admin socket alone."""
CALLER = "turnpike.principal"
"""In an ASGI scope: who asks, once that is known."""
ANY_KEY = "any key"
MAX_KEY_BYTES = 512
_ALL = to_bits(SCOPES)
_CHALLENGE = "Send an API key as `Authorization: Bearer tp-...` or in `x-api-key`, or sign in."


@dataclass(frozen=True)
class Principal:
    name: str
    role: str
    scopes: int
    user_id: str | None = None
    """None for the operator."""
    key_id: str | None = None
    department_id: str | None = None
    models: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    personal: tuple[PersonalAccess, ...] = ()
    denied_networks: tuple[str, ...] = ()
    session_id: str | None = None
    """Of who signed in; such a principal has no key."""
    rights: Rights = NOTHING
    scope: Scope = NO_DATA
    """Whose data the route may touch for this principal: by the permission that the route declares."""

    def has(self, scope: str) -> bool:
        return bool(self.scopes & SCOPE_BIT[scope])

    @property
    def is_operator(self) -> bool:
        return self.user_id is None

    @property
    def is_admin(self) -> bool:
        """May do whatever concerns the whole gateway and has no permission of its own."""
        return self.rights.reach(Permission.MANAGE_PLATFORM) is Reach.ALL

    def may(self, permission: Permission, target: Target | None = None) -> bool:
        return decide(self, permission, target).allowed

    def reaching(self, permission: Permission) -> Scope:
        """For a route that needs a second permission. Raises ScopeMissing for who does not have it."""
        allowed, scope, reason = decide(self, permission)
        if not allowed:
            raise ScopeMissing(reason + self._how_to_get(permission), details={"needed": [permission.value]})
        return scope

    def _how_to_get(self, permission: Permission) -> str:
        if self.key_id is None:
            return ""
        scopes = scopes_opening(permission)
        return f" A key has it by the scope {' or '.join(scopes)}." if scopes else " A key has it by its role."

    def person(self) -> str:
        """The user id. Raises InvalidRequest for the operator, who is no person of the database."""
        if self.user_id is None:
            raise InvalidRequest("This belongs to a person: ask with that person's API key, not as the operator.")
        return self.user_id


OPERATOR_PRINCIPAL = Principal("operator", Role.SUPER_ADMIN, _ALL, rights=EVERYTHING)


def services(request: Request) -> ControlServices:
    return request.app.state.services


async def identify(request: Request) -> Principal:
    """Raises Unauthenticated, Forbidden (another network) or Unavailable (no way to check the key)."""
    if request.scope.get(OPERATOR) is True:
        _acts(request, OPERATOR_PRINCIPAL, request.headers.get(OPERATOR_NAME, OPERATOR_PRINCIPAL.name)[:64])
        request.scope[CALLER] = OPERATOR_PRINCIPAL
        return OPERATOR_PRINCIPAL
    principal, grant = await _caller(request)
    _acts(request, principal, principal.name)
    _check_network(request, grant)
    _check_maintenance(request, principal)
    request.scope[CALLER] = principal
    return principal


async def look_again(request: Request, principal: Principal) -> Principal:
    """Who asked, as of now: for an answer that goes on for long. It is no use of a session in the eyes of its idle
    time. Raises as `identify`, for what has ended meanwhile among others."""
    if principal.is_operator:
        return principal
    if principal.session_id is None:
        return await identify(request)
    control = services(request)
    token = _credential_of(request)
    present = await control.signin.presence.peek(principal.session_id)
    if present is None or (token is not None and await control.signin.tokens.read(token) is None):
        raise Unauthenticated("This session is over: sign in again.")
    return _principal(present.grant, session_id=principal.session_id)


def caller_of(request: Request) -> str | None:
    """Names who asks, by the key or session they came with; None where nobody was asked who they are."""
    principal: Principal | None = request.scope.get(CALLER)
    return principal and (principal.key_id or principal.session_id or principal.user_id or OPERATOR_PRINCIPAL.name)


def _check_maintenance(request: Request, principal: Principal) -> None:
    closed = services(request).keeper.maintenance
    if closed is not None and not principal.is_admin:
        raise Maintenance(closed.message, retry_after_s=closed.retry_after_s)


async def _caller(request: Request) -> tuple[Principal, KeyGrant]:
    control = services(request)
    credential = _credential_of(request)
    if credential is None:
        return await _by_cookie(request, control)
    if looks_like_jwt(credential):
        return await _by_token(control, credential)
    if not credential.startswith(KEY_PREFIX) or len(credential) > MAX_KEY_BYTES:
        raise Unauthenticated(f"This is not an API key of this gateway. {_CHALLENGE}")
    digest = key_digest(credential.encode(), control.sealer.keyring.pepper)
    grant = await control.keeper.grants.resolve(digest, remembered=True)
    if grant is None:
        raise Unauthenticated(f"This API key is unknown, revoked or expired. {_CHALLENGE}")
    return _principal(grant, key_id=grant.key_id), grant


async def _by_cookie(request: Request, control: ControlServices) -> tuple[Principal, KeyGrant]:
    cookie = request.cookies.get(session_cookie(control.settings))
    if not cookie:
        raise Unauthenticated(f"An API key is needed. {_CHALLENGE}")
    present = await control.signin.presence.by_cookie(cookie)
    if present is None:
        raise Unauthenticated("This session is over: sign in again.")
    check_csrf(request, control.settings, present.grant.key_id, control.sealer.keyring.pepper)
    return _principal(present.grant, session_id=present.grant.key_id), present.grant


async def _by_token(control: ControlServices, token: str) -> tuple[Principal, KeyGrant]:
    called = await control.signin.callers.resolve(token)
    if called is None:
        raise Unauthenticated("This token is not valid, or its session is over: refresh it, or sign in again.")
    return _principal(called.grant, session_id=called.session_id), called.grant


def _acts(request: Request, principal: Principal, name: str) -> None:
    """Tells the audit log whose act this is."""
    act: Act | None = request.scope.get(ACT)
    if act is not None:
        act.actor_kind = OPERATOR_ACTS if principal.is_operator else USER
        act.actor_id, act.key_id, act.department_id = principal.user_id, principal.key_id, principal.department_id
        act.actor_name = name


def _principal(grant: KeyGrant, key_id: str | None = None, session_id: str | None = None) -> Principal:
    return Principal(
        name=grant.key_name,
        role=grant.role,
        scopes=grant.scopes,
        user_id=grant.user_id,
        key_id=key_id,
        department_id=grant.department_id,
        models=grant.models,
        networks=grant.networks,
        personal=grant.personal,
        denied_networks=grant.denied_networks,
        session_id=session_id,
        rights=_rights(grant),
    )


def _rights(grant: KeyGrant) -> Rights:
    if grant.rights is not None:
        return Rights(*grant.rights)
    # Remembered by an earlier release.
    return key_rights(rights_of(grant.role, None), grant.scopes, None)


def by_cookie(request: Request) -> bool:
    """Whether a session's cookie says who asks, and nothing in the headers does."""
    return _credential_of(request) is None


def _credential_of(request: Request) -> str | None:
    """What stands in the headers; None when there is nothing, so that a cookie may speak."""
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    if header and scheme.lower() != "bearer":
        raise Unauthenticated(f"The authorization scheme must be Bearer. {_CHALLENGE}")
    credential = token.strip() if header else request.headers.get("x-api-key", "").strip()
    if header and not credential:
        raise Unauthenticated(f"An API key is needed. {_CHALLENGE}")
    return credential or None


def _check_network(request: Request, grant: KeyGrant) -> None:
    if not grant.networks and not grant.denied_networks:
        return
    address = address_in(address_of(request) or "")
    if address is None:
        raise AddressForbidden("This API key works from named networks only, and the caller's is not known.")
    if not Networks.of(grant.networks, grant.denied_networks).allow(address):
        raise AddressForbidden(f"This API key does not work from {address}.")


# ---- what a route needs

_schemes = [
    Security(HTTPBearer(auto_error=False, description="An API key (`tp-...`) or an access token")),
    Security(APIKeyHeader(name="x-api-key", auto_error=False)),
]


class _Known(ABC):
    """Lets nobody pass whom the gateway does not know."""

    permission: str

    async def __call__(
        self,
        request: Request,
        _bearer: Annotated[object, _schemes[0]] = None,
        _header: Annotated[object, _schemes[1]] = None,
    ) -> Principal:
        principal = await identify(request)
        return replace(principal, scope=self._scope(principal))

    @abstractmethod
    def _scope(self, principal: Principal) -> Scope:
        """What the principal may reach by it. Raises what refuses it."""


class May(_Known):
    """A dependency that lets a principal pass who has the permission, with the scope that the policy gives."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission.value
        self._permission = permission

    def _scope(self, principal: Principal) -> Scope:
        return principal.reaching(self._permission)


class Needs(May):
    """The same by the name of a key's scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(permission_of(scope))


class AnyCaller(_Known):
    """Lets everybody pass who is known, for what is theirs alone."""

    permission = ANY_KEY

    def _scope(self, principal: Principal) -> Scope:
        return own_scope(principal)


class Public:
    """Says that a route is for everyone, so that none is open by forgetting."""

    permission = PUBLIC

    async def __call__(self) -> None:
        return None


Admin = Annotated[Principal, Depends(May(Permission.MANAGE_PLATFORM))]
"""For what concerns the whole gateway and has no permission of its own."""
Reader = Annotated[Principal, Depends(May(Permission.VIEW_MODELS))]
AnyKey = Annotated[Principal, Depends(AnyCaller())]
Services = Annotated[ControlServices, Depends(services)]
