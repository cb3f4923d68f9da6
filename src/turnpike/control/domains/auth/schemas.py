"""Bodies and answers of /api/v1/auth, but for issuers (issuer_schemas.py)."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, SecretStr, StringConstraints

from turnpike.control.db.models import Session
from turnpike.control.domains.identity.schemas import Email
from turnpike.control.signin.passwords import MAX_CHARACTERS
from turnpike.control.signin.sessions import Opened
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import Body, Name, UserId, View
from turnpike.kit.clock import now_ms

Password = Annotated[SecretStr, Field(min_length=1, max_length=MAX_CHARACTERS)]
Token = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[A-Za-z0-9._~-]+$")]


class Mode(StrEnum):
    COOKIE = "cookie"
    """For a browser: the session is a cookie out of reach of scripts."""
    TOKEN = "token"  # noqa: S105 - a name
    """For a program: an access token and a refresh token."""


class LoginBody(Body):
    email: Email
    password: Password
    mode: Mode = Mode.COOKIE


class RefreshBody(Body):
    refresh_token: Token


class PasswordBody(Body):
    current_password: Password
    new_password: Password


class LinkBody(Body):
    user_id: UserId | None = Field(
        default=None, description="Whom the link lets in. The operator may leave it out for the first administrator."
    )


class UseLinkBody(Body):
    token: Token
    password: Password | None = Field(default=None, description="Needed where local accounts are on.")
    email: Email | None = Field(default=None, description="Needed for a person who has none yet: it is the login name.")
    display_name: Name | None = None
    mode: Mode = Mode.COOKIE


class RotateKeysBody(Body):
    at_once: bool = Field(
        default=False, description="The old keys are believed no more: every access token ends. For a leaked key."
    )


class LinkView(View):
    user_id: str
    path: str = Field(description="The link without the gateway's address.")
    url: str | None = Field(description="The whole link; null where TURNPIKE_PUBLIC_URL would have to say the address.")
    expires_at: Moment


class SignedInView(View):
    """Tokens are there in the mode `token` only."""

    session_id: str
    user_id: str
    expires_at: Moment = Field(description="The session's end, however much it is used.")
    csrf_token: str | None = None
    access_token: str | None = None
    token_type: str | None = None
    expires_in: int | None = Field(default=None, description="The access token's life in seconds.")
    refresh_token: str | None = Field(default=None, description="Works once; each use gives the next one.")


class MeView(View):
    user_id: str | None = Field(description="null for the operator of the machine")
    display_name: str
    email: str | None
    role: str
    department_id: str | None
    scopes: list[str]
    permissions: dict[str, str] = Field(description="What the caller may do now, and with whose data.")
    session_id: str | None
    csrf_token: str | None = Field(description="To send as x-csrf-token with requests that change something.")


class SessionView(View):
    id: str
    user_id: str
    user_name: str
    method: str = Field(description="local, link, or the issuer's slug")
    kind: str = Field(description="cookie or token")
    agent: str
    address: str
    status: str = Field(description="active, idle, expired or ended")
    current: bool = Field(description="The session that this request was made in.")
    created_at: Moment
    last_seen_at: Moment
    expires_at: Moment
    ended_at: Moment | None
    ended_because: str | None


class EndedView(View):
    ended: int


class LoggedOutView(View):
    logout_url: str | None = Field(description="Where the browser goes to sign out at the issuer too.")


class MethodView(View):
    slug: str
    name: str
    kind: str
    login_path: str


class MethodsView(View):
    local_accounts: bool
    issuers: list[MethodView]


class RotatedKeyView(View):
    kid: str


def view_signed_in(opened: Opened, csrf: str | None) -> SignedInView:
    has_tokens = opened.access_token is not None
    return SignedInView(
        session_id=opened.session.id,
        user_id=opened.session.user_id,
        expires_at=moment(opened.session.expires_at_ms),
        csrf_token=csrf,
        access_token=opened.access_token,
        token_type="Bearer" if has_tokens else None,
        expires_in=opened.access_token_s if has_tokens else None,
        refresh_token=opened.refresh_token,
    )


def view_session(row: Session, user_name: str, idle_ms: int, own_id: str | None) -> SessionView:
    return SessionView(
        **_facts(row),
        user_name=user_name,
        kind="cookie" if row.digest is not None else "token",
        status=_status(row, idle_ms),
        current=row.id == own_id,
    )


def _facts(row: Session) -> dict[str, Any]:
    return {
        "id": row.id,
        "user_id": row.user_id,
        "method": row.method,
        "agent": row.agent,
        "address": row.address,
        "created_at": moment(row.created_at_ms),
        "last_seen_at": moment(row.last_seen_at_ms),
        "expires_at": moment(row.expires_at_ms),
        "ended_at": moment_or_none(row.ended_at_ms),
        "ended_because": row.ended_because,
    }


def _status(row: Session, idle_ms: int) -> str:
    now = now_ms()
    if row.ended_at_ms is not None:
        return "ended"
    if row.expires_at_ms <= now:
        return "expired"
    return "idle" if now - row.last_seen_at_ms >= idle_ms else "active"
