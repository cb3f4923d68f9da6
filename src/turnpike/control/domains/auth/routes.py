"""/api/v1/auth: signing in and out with what this gateway knows itself; issuers are in oidc_routes.py."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response

from turnpike.contract.scopes import to_names
from turnpike.control.db.models import Session
from turnpike.control.db.scoped import get_within
from turnpike.control.domains.auth import oidc
from turnpike.control.domains.auth.local import LocalAccounts
from turnpike.control.domains.auth.schemas import (
    LinkBody,
    LinkView,
    LoggedOutView,
    LoginBody,
    MethodsView,
    MeView,
    Mode,
    PasswordBody,
    RefreshBody,
    RotatedKeyView,
    RotateKeysBody,
    SignedInView,
    UseLinkBody,
    view_signed_in,
)
from turnpike.control.domains.identity import service as identity
from turnpike.control.rights.permissions import Permission
from turnpike.control.services import ControlServices
from turnpike.control.signin import store
from turnpike.control.signin.sessions import Opened, Visitor
from turnpike.control.web.audit import address_of
from turnpike.control.web.cookies import check_origin, clear_cookies, csrf_token, set_cookies
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, moment, ok
from turnpike.control.web.principal import AnyKey, May, Principal, Public, Services, by_cookie
from turnpike.errors import Forbidden, InvalidRequest
from turnpike.kit.clock import now_ms

router = APIRouter(prefix="/api/v1/auth", tags=["auth"])
well_known = APIRouter(tags=["auth"])
_public = [Depends(Public())]
UserManager = Annotated[Principal, Depends(May(Permission.MANAGE_USERS))]
SecretsManager = Annotated[Principal, Depends(May(Permission.MANAGE_SECRETS))]


def visitor_of(request: Request) -> Visitor:
    return Visitor(request.headers.get("user-agent", ""), address_of(request))


def signed_in(opened: Opened, response: Response, control: ControlServices) -> SignedInView:
    """Sets the cookies where the session has one."""
    response.headers["cache-control"] = "no-store"
    if opened.cookie is None:
        return view_signed_in(opened, None)
    csrf = csrf_token(opened.session.id, control.sealer.keyring.pepper)
    life_s = max(0, opened.session.expires_at_ms - now_ms()) // 1000
    set_cookies(response, control.settings, opened.cookie, csrf, life_s)
    return view_signed_in(opened, csrf)


@router.get("/methods", dependencies=_public)
async def list_methods(control: Services) -> Envelope[MethodsView]:
    """The ways to sign in here, for a page that offers them."""
    return ok(MethodsView(local_accounts=control.settings.local_accounts, issuers=await oidc.methods(control)))


@router.post("/login", dependencies=_public)
async def login(request: Request, response: Response, control: Services, body: LoginBody) -> Envelope[SignedInView]:
    """With e-mail and password. Wrong ones are slowed down, by account and by address."""
    check_origin(request, control.settings)
    accounts = LocalAccounts(control)
    opened = await accounts.login(body, visitor_of(request), by_cookie=body.mode is Mode.COOKIE)
    return ok(signed_in(opened, response, control))


@router.post("/refresh", dependencies=_public)
async def refresh(response: Response, control: Services, body: RefreshBody) -> Envelope[SignedInView]:
    """The next access token and refresh token. A refresh token that is used twice ends its session."""
    return ok(signed_in(await control.signin.sessions.refresh(body.refresh_token), response, control))


@router.post("/token")
async def make_token(
    actor: AnyKey, request: Request, response: Response, control: Services, session: Reading
) -> Envelope[SignedInView]:
    """An access token for the session whose cookie asks: with it a page may call /v1, which takes no cookies. An access
    token makes no other: it ends when it says, and whoever has no cookie goes on by the refresh token."""
    row = await get_within(session, actor.scope, Session, actor.session_id) if actor.session_id else None
    if row is None:
        raise InvalidRequest("Only a session has access tokens; this request was made with an API key.")
    if not by_cookie(request):
        raise Forbidden("An access token makes no other: ask with the session's cookie, or with its refresh token.")
    token, life_s = await control.signin.tokens.make(row.id, row.user_id, row.expires_at_ms)
    return ok(signed_in(Opened(row, access_token=token, access_token_s=life_s), response, control))


@router.post("/logout")
async def logout(actor: AnyKey, response: Response, control: Services, session: Writing) -> Envelope[LoggedOutView]:
    """Ends the session that asks. `logout_url` is where to go on to sign out at the issuer as well."""
    if actor.session_id is None:
        raise InvalidRequest("This request was made without a session; there is nothing to sign out of.")
    url = await oidc.logout_url(control, session, actor.session_id)
    await store.end_sessions(session, Session.id == actor.session_id, "signed_out")
    clear_cookies(response, control.settings)
    return ok(LoggedOutView(logout_url=url), "You are signed out.")


@router.get("/me")
async def me(actor: AnyKey, control: Services, session: Reading) -> Envelope[MeView]:
    """Who asks, and what they may do now."""
    user = await identity.get_user(session, actor.scope, actor.user_id) if actor.user_id else None
    csrf = csrf_token(actor.session_id, control.sealer.keyring.pepper) if actor.session_id else None
    return ok(
        MeView(
            user_id=actor.user_id,
            display_name=user.display_name if user else actor.name,
            email=user.email if user else None,
            role=actor.role,
            department_id=actor.department_id,
            scopes=to_names(actor.scopes),
            permissions=actor.rights.names(),
            session_id=actor.session_id,
            csrf_token=csrf,
        )
    )


@router.post("/password")
async def change_password(actor: AnyKey, request: Request, control: Services, body: PasswordBody) -> Envelope[None]:
    """One's own; every other session of the person ends."""
    await LocalAccounts(control).change_password(actor, body, visitor_of(request))
    return ok(None, "The password is changed; other sessions have ended.")


# ---- one-time links


@router.post("/links", status_code=201)
async def make_link(
    actor: UserManager, control: Services, session: Writing, body: Annotated[LinkBody | None, Body()] = None
) -> Envelope[LinkView]:
    """A link that lets a person in once, to set a password: the first administrator, somebody new, or who forgot it.
    It is shown this once; the person's earlier links end."""
    made = await LocalAccounts(control).make_link(session, actor, body.user_id if body else None)
    base = control.settings.web_url
    view = LinkView(
        user_id=made.row.user_id,
        path=made.path,
        url=f"{base}{made.path}" if base else None,
        expires_at=moment(made.row.expires_at_ms),
    )
    return ok(view, "Give this link to nobody but its person: it works once.")


@router.post("/links/use", dependencies=_public)
async def use_link(
    request: Request, response: Response, control: Services, body: UseLinkBody
) -> Envelope[SignedInView]:
    check_origin(request, control.settings)
    accounts = LocalAccounts(control)
    opened = await accounts.use_link(body, visitor_of(request), by_cookie=body.mode is Mode.COOKIE)
    return ok(signed_in(opened, response, control))


# ---- keys of access tokens


@router.get("/jwks", dependencies=_public)
@well_known.get("/.well-known/jwks.json", dependencies=_public)
async def jwks(control: Services, response: Response) -> dict[str, Any]:
    """The public keys that access tokens are signed with, as a JWK set (RFC 7517): no envelope."""
    response.headers["cache-control"] = "public, max-age=300"
    return await control.signin.keys.published()


@router.post("/signing-keys/rotate", status_code=201)
async def rotate_signing_keys(
    _: SecretsManager, control: Services, body: Annotated[RotateKeysBody | None, Body()] = None
) -> Envelope[RotatedKeyView]:
    """A new key; the old one is believed until the last token that it signed is over, unless `at_once`."""
    return ok(RotatedKeyView(kid=await control.signin.keys.rotate(at_once=bool(body and body.at_once))))
