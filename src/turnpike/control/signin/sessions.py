"""Sessions: opened after somebody proved who they are, kept going by cookie or by rotating refresh tokens, ended.

A refresh token works once. One that comes a second time was copied by somebody, and nobody can tell which of the two
is the thief: its session ends, and with it every token of the family.
"""

from dataclasses import dataclass

from turnpike.contract.grants import key_digest
from turnpike.control.db.database import Database
from turnpike.control.db.models import RefreshToken, Session, User
from turnpike.control.db.sessions import WriteSession
from turnpike.control.events.kinds import UserSignedIn
from turnpike.control.events.outbox import emit
from turnpike.control.infra.secrets import Sealer
from turnpike.control.signin import store
from turnpike.control.signin.access_tokens import AccessTokens
from turnpike.errors import Unauthenticated
from turnpike.kit.clock import now_ms
from turnpike.kit.crypto import random_text
from turnpike.settings import Settings

REFRESH_PREFIX = "tpr-"
_UNKNOWN = "This refresh token is unknown, used or over: sign in again."


@dataclass(frozen=True)
class Visitor:
    """From where somebody signs in."""

    agent: str
    address: str | None


@dataclass(frozen=True)
class Proof:
    """How somebody proved who they are."""

    method: str
    issuer_id: str | None = None
    subject: str | None = None
    sid: str | None = None
    id_token: str | None = None


@dataclass(frozen=True)
class Opened:
    session: Session
    cookie: str | None = None
    access_token: str | None = None
    access_token_s: int = 0
    refresh_token: str | None = None

    def __repr__(self) -> str:
        return f"Opened({self.session.id})"


class Sessions:
    def __init__(self, settings: Settings, database: Database, sealer: Sealer, tokens: AccessTokens) -> None:
        self._life_ms = int(settings.session_life_hours * 3_600_000)
        self._idle_ms = int(settings.session_idle_minutes * 60_000)
        self._database = database
        self._sealer = sealer
        self._tokens = tokens

    async def open(
        self, session: WriteSession, user: User, proof: Proof, visitor: Visitor, *, by_cookie: bool
    ) -> Opened:
        """`by_cookie`: for a browser; else access and refresh tokens."""
        secret = random_text(256)
        row = Session(
            user_id=user.id,
            digest=self._digest(secret) if by_cookie else None,
            method=proof.method,
            issuer_id=proof.issuer_id,
            issuer_subject=proof.subject,
            issuer_sid=proof.sid,
            sealed_id_token=self._sealer.seal(proof.id_token) if proof.id_token else None,
            agent=_printable(visitor.agent)[:300],
            address=(visitor.address or "")[:64],
            expires_at_ms=now_ms() + self._life_ms,
        )
        session.add(row)
        await session.flush()
        told = UserSignedIn(user_id=user.id, method=proof.method)
        emit(session, told, department_id=user.department_id, user_id=user.id)
        if by_cookie:
            return Opened(row, cookie=secret)
        return await self._with_tokens(session, row)

    async def _with_tokens(self, session: WriteSession, row: Session) -> Opened:
        refresh = REFRESH_PREFIX + random_text(256)
        session.add(RefreshToken(session_id=row.id, digest=self._digest(refresh)))
        await session.flush()
        access, life_s = await self._tokens.make(row.id, row.user_id, row.expires_at_ms)
        return Opened(row, access_token=access, access_token_s=life_s, refresh_token=refresh)

    async def refresh(self, token: str) -> Opened:
        """New tokens for an old one, in a transaction of its own: that a token was used twice must be written down
        although the answer is a refusal. Raises Unauthenticated."""
        await self._tokens.ready()
        async with self._database.write() as session:
            opened = await self._exchange(session, token)
        if opened is None:
            raise Unauthenticated(_UNKNOWN)
        return opened

    async def _exchange(self, session: WriteSession, token: str) -> Opened | None:
        found = await store.refresh_token(session, self._digest(token))
        if found is None:
            return None
        row = await store.session_with(session, Session.id == found.session_id)
        user = await session.get(User, row.user_id) if row is not None else None
        if row is None or user is None or not user.is_active or not self._alive(row):
            return None
        if found.used_at_ms is not None:
            await store.end_sessions(session, Session.id == row.id, "refresh_reused")
            return None
        found.used_at_ms = row.last_seen_at_ms = now_ms()
        return await self._with_tokens(session, row)

    def _alive(self, row: Session) -> bool:
        now = now_ms()
        return row.ended_at_ms is None and now < row.expires_at_ms and now - row.last_seen_at_ms < self._idle_ms

    def _digest(self, secret: str) -> bytes:
        return key_digest(secret.encode(), self._sealer.keyring.pepper)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
