"""What ends when somebody may come in no more. None of it comes back when they may again."""

from dataclasses import dataclass

from sqlalchemy import delete, select

from turnpike.control.db.models import ApiKey, EntryLink, Invitation, ScimToken
from turnpike.control.db.sessions import WriteSession
from turnpike.control.signin import store
from turnpike.kit.clock import now_ms


@dataclass(frozen=True)
class ShutOut:
    """How many of each were alive."""

    keys: int
    sessions: int


async def shut_out(session: WriteSession, user_id: str, because: str) -> ShutOut:
    """Revokes the person's keys, ends their sessions, takes back the links and invitations that stand open in their
    name, and the SCIM tokens that they made. At work on every relay and in every control process within a second of the
    commit."""
    now = now_ms()
    query = select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at_ms.is_(None)).with_for_update()
    keys = (await session.scalars(query)).all()
    for key in keys:
        key.revoked_at_ms, key.sealed_key = now, None
    session.changes.keys([key.id for key in keys])
    session.changes.users([user_id])
    ended = await store.end_sessions_of(session, user_id, because)
    await take_back_links(session, user_id)
    open_ones = select(Invitation).where(
        Invitation.invited_by == user_id, Invitation.accepted_at_ms.is_(None), Invitation.revoked_at_ms.is_(None)
    )
    for invitation in await session.scalars(open_ones):
        invitation.revoked_at_ms = now
    tokens = select(ScimToken).where(ScimToken.created_by == user_id, ScimToken.revoked_at_ms.is_(None))
    for token in await session.scalars(tokens):
        token.revoked_at_ms = now
    await session.flush()
    return ShutOut(len(keys), len(ended))


async def take_back_links(session: WriteSession, user_id: str) -> None:
    """One-time links that would let the person in."""
    await session.execute(delete(EntryLink).where(EntryLink.user_id == user_id))
