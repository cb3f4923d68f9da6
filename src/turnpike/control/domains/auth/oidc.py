"""Signing in and out through an issuer: what the routes ask for, in terms of people and sessions."""

from collections.abc import Mapping

import structlog

from turnpike.control.db.models import Session
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.auth import people
from turnpike.control.domains.auth.schemas import MethodView
from turnpike.control.oidc import groups
from turnpike.control.oidc.tokens import Trusted
from turnpike.control.services import ControlServices
from turnpike.control.signin import store
from turnpike.control.signin.sessions import Opened, Proof, Visitor
from turnpike.errors import InvalidRequest, NotFound, TurnpikeError
from turnpike.settings import Settings

CALLBACK = "/api/v1/auth/callback"
LOGIN = "/api/v1/auth/login"
MAX_RETURN = 2000
log = structlog.get_logger()


async def methods(control: ControlServices) -> list[MethodView]:
    return [
        MethodView(slug=each.slug, name=each.name, kind=each.kind, login_path=f"{LOGIN}/{each.slug}")
        for each in await control.signin.issuers.active()
    ]


async def trusted_named(control: ControlServices, slug: str) -> Trusted:
    """Raises NotFound."""
    trusted = await control.signin.issuers.named(slug)
    if trusted is None:
        raise NotFound(f"There is no issuer {slug!r} to sign in through.")
    return trusted


def redirect_uri(settings: Settings, trusted: Trusted) -> str:
    """What has to be registered at the issuer. Raises InvalidRequest when our own address is not known: it is never
    taken from a request, whose Host header anybody may write."""
    base = settings.web_url
    if base is None:
        raise InvalidRequest("Set TURNPIKE_PUBLIC_URL: an issuer has to know where to send people back to.")
    return f"{base}{CALLBACK}/{trusted.slug}"


def check_return(path: str) -> str:
    """Raises InvalidRequest for what does not lead to a page of ours."""
    plain = path.isprintable() and "\\" not in path and len(path) <= MAX_RETURN
    if not plain or not path.startswith("/") or path.startswith("//"):
        raise InvalidRequest("return_to: name a path of this gateway, as /settings.", details={"param": "return_to"})
    return path


async def begin(control: ControlServices, trusted: Trusted, return_to: str) -> tuple[str, str, str]:
    """As CodeFlow.begin."""
    return await control.signin.flow.begin(trusted, redirect_uri(control.settings, trusted), return_to)


async def finish(
    control: ControlServices, trusted: Trusted, sealed: str | None, answer: Mapping[str, str], visitor: Visitor
) -> tuple[Opened, str]:
    """The new session, and where the browser wanted to go. Raises Unauthenticated, Forbidden or an UpstreamError."""
    flow = control.signin.flow.read(sealed, answer.get("state", ""))
    if flow.issuer_id != trusted.id:
        raise InvalidRequest("This sign-in was begun at another issuer.")
    uri = redirect_uri(control.settings, trusted)
    claims, tokens = await control.signin.flow.finish(trusted, flow, answer, uri)
    if any(rule.claim == "groups" for rule in trusted.config.rules) and groups.are_too_many(claims):
        claims["groups"] = await groups.ask_graph(control.signin.directory.reader, trusted, tokens.access_token)
    await control.signin.tokens.ready()
    async with control.database.write() as session:
        user = await people.admit(session, trusted, claims)
        sid = claims.get("sid")
        proof = Proof(trusted.slug, trusted.id, claims["sub"], sid if isinstance(sid, str) else None, tokens.id_token)
        opened = await control.signin.sessions.open(session, user, proof, visitor, by_cookie=True)
    return opened, flow.return_to


async def back_channel_logout(control: ControlServices, trusted: Trusted, token: str) -> int:
    """Ends the sessions that a logout token names. Returns how many. Raises Unauthenticated.

    Those that began after the token was made stay: a token sent again ends nothing new.
    """
    claims = await control.signin.checker.logout_token(trusted, token)
    began_before_ms = int((claims["iat"] + trusted.config.clock_skew_s) * 1000)
    condition = (Session.issuer_id == trusted.id) & (Session.created_at_ms <= began_before_ms)
    for name, column in (("sid", Session.issuer_sid), ("sub", Session.issuer_subject)):
        if isinstance(claims.get(name), str):
            condition &= column == claims[name]
    async with control.database.write() as session:
        return len(await store.end_sessions(session, condition, "issuer_logout"))


async def logout_url(control: ControlServices, session: ReadSession, session_id: str) -> str | None:
    """Where to sign out at the issuer too; None for a local session, or when the issuer cannot be asked."""
    row = await session.get(Session, session_id)
    trusted = await control.signin.issuers.with_id(row.issuer_id) if row is not None and row.issuer_id else None
    if row is None or trusted is None:
        return None
    hint = control.sealer.open(row.sealed_id_token) if row.sealed_id_token else None
    base = control.settings.web_url
    try:
        return await control.signin.flow.logout_url(trusted, hint, f"{base}/" if base else None)
    except TurnpikeError as error:
        log.warning("issuer_not_asked_for_logout", issuer=trusted.slug, reason=error.message)
        return None
