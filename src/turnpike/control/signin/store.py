"""Queries on sessions and what comes with them. Never commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, select, update

from turnpike.control.db.models import (
    Credential,
    Department,
    EntryLink,
    Password,
    ProviderSetting,
    RefreshToken,
    RoleRow,
    Session,
    SignInThrottle,
    User,
)
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.kit.clock import now_ms

KEPT_AFTER_END_MS = 30 * 86_400_000
PersonRow = Row[*tuple[Any, ...]]

_PERSON = (
    select(
        User.id.label("user_id"),
        User.department_id,
        User.role,
        User.is_active,
        Department.models.label("department_models"),
        Department.default_tier,
        RoleRow.permissions.label("role_permissions"),
        ProviderSetting.provider_id,
        ProviderSetting.use_shared_api,
        Credential.id.label("credential_id"),
        Credential.owner_id,
        Credential.sealed,
    )
    .outerjoin(Department, Department.id == User.department_id)
    .outerjoin(RoleRow, RoleRow.name == User.role)
    .outerjoin(ProviderSetting, (ProviderSetting.user_id == User.id) & ProviderSetting.is_active)
    .outerjoin(Credential, (Credential.id == ProviderSetting.credential_id) & Credential.is_active)
    .order_by(ProviderSetting.provider_id)
)


async def person(session: ReadSession, user_id: str) -> Sequence[PersonRow]:
    """One row for each of a person's settings at a provider, or a single one without; none for nobody."""
    return (await session.execute(_PERSON.where(User.id == user_id))).all()


async def session_with(session: ReadSession, condition: ColumnElement[bool]) -> Session | None:
    return (await session.scalars(select(Session).where(condition))).first()


async def touch(session: WriteSession, session_id: str, at_ms: int) -> None:
    await session.execute(
        update(Session).where(Session.id == session_id, Session.last_seen_at_ms < at_ms).values(last_seen_at_ms=at_ms)
    )


async def end_sessions(session: WriteSession, condition: ColumnElement[bool], because: str) -> list[str]:
    """Dead everywhere within a second of the commit. Returns the ids of those that were alive."""
    alive = (Session.ended_at_ms.is_(None), Session.expires_at_ms > now_ms())
    ids = list(await session.scalars(select(Session.id).where(condition, *alive).with_for_update()))
    if ids:
        values = {"ended_at_ms": now_ms(), "ended_because": because, "sealed_id_token": None}
        await session.execute(update(Session).where(Session.id.in_(ids)).values(values))
        session.changes.keys(ids)
    return ids


async def end_sessions_of(session: WriteSession, user_id: str, because: str, but: str | None = None) -> list[str]:
    condition = Session.user_id == user_id
    return await end_sessions(session, condition if but is None else condition & (Session.id != but), because)


async def refresh_token(session: WriteSession, digest: bytes) -> RefreshToken | None:
    """The row, and nobody else's until the transaction ends."""
    query = select(RefreshToken).where(RefreshToken.digest == digest).with_for_update()
    return (await session.scalars(query)).first()


async def password_of(session: ReadSession, email: str) -> Row[User, Password] | None:
    """Of an active person with a local account."""
    query = select(User, Password).join(Password, Password.user_id == User.id)
    return (await session.execute(query.where(User.email == email, User.is_active))).first()


async def tidy(session: WriteSession) -> None:
    """Deletes what nobody asks for any more."""
    now = now_ms()
    await session.execute(delete(Session).where(Session.expires_at_ms < now - KEPT_AFTER_END_MS))
    await session.execute(delete(EntryLink).where(EntryLink.expires_at_ms < now))
    await session.execute(delete(SignInThrottle).where(SignInThrottle.since_ms < now - 86_400_000))
