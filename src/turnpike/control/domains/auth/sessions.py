"""Whose sessions one may see and end: as far as one's permissions reach, and of nobody who may do more."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from turnpike.control.db.models import Session, User
from turnpike.control.db.scoped import get_within, select_within, within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.control.rights.policy import OwnData, Scope
from turnpike.control.signin import store
from turnpike.control.web.principal import Principal
from turnpike.errors import Forbidden, NotFound
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Page, parse_sort

ORDER: Columns = {
    "created_at": Session.created_at_ms,
    "last_seen_at": Session.last_seen_at_ms,
    "expires_at": Session.expires_at_ms,
}


@dataclass(frozen=True)
class SessionFilter:
    user_id: str | None
    """None: everybody's."""
    ended: bool
    """Those too that are over."""


def whose(actor: Principal, user_id: str | None, *, everyone: bool) -> str | None:
    """Whose sessions are meant; None: those of everybody within the actor's scope. Raises Forbidden."""
    if everyone or (user_id is None and actor.is_operator):
        wanted = user_id
    else:
        wanted = user_id or actor.person()
    if wanted != actor.user_id and isinstance(actor.scope, OwnData):
        raise Forbidden("These are somebody else's sessions; administrators may see them.")
    return wanted


async def find(
    session: ReadSession, scope: Scope, wanted: SessionFilter, sort: str | None, page: Page, *, idle_ms: int
) -> tuple[Sequence[tuple[Session, str]], int]:
    """Rows with their people's names, and how many there are."""
    query = select_within(scope, Session)
    if wanted.user_id is not None:
        query = query.where(Session.user_id == wanted.user_id)
    if not wanted.ended:
        now = now_ms()
        query = query.where(
            Session.ended_at_ms.is_(None), Session.expires_at_ms > now, Session.last_seen_at_ms > now - idle_ms
        )
    query = ordered(query, parse_sort(sort, ORDER, "-last_seen_at"), ORDER, Session.id)
    rows, total = await paged(session, query, page)
    people = select(User.id, User.display_name).where(User.id.in_({row.user_id for row in rows}), within(scope, User))
    names: dict[str, str] = {row.id: row.display_name for row in await session.execute(people)}
    return [(row, names.get(row.user_id, "")) for row in rows], total


async def end(session: WriteSession, actor: Principal, session_id: str) -> int:
    """How many ended: none when it was over already. Raises NotFound (for what is not one's own to see, too) or
    Forbidden."""
    row = await get_within(session, actor.scope, Session, session_id)
    if row is None:
        raise NotFound(f"There is no session {session_id}.")
    because = "signed_out" if row.user_id == actor.user_id else "revoked"
    if row.user_id != actor.user_id:
        owner = await identity.get_user(session, actor.scope, row.user_id)
        await identity.check_rank_of(session, actor, owner.role, "Ending this person's sessions")
    return len(await store.end_sessions(session, Session.id == row.id, because))


async def end_all(session: WriteSession, actor: Principal, user_id: str | None, *, others: bool) -> int:
    """A person's sessions; `others`: but for the one that asks. Raises Forbidden or NotFound."""
    owner_id = user_id or actor.person()
    if owner_id != actor.user_id:
        if isinstance(actor.scope, OwnData):
            raise Forbidden("These are somebody else's sessions; administrators may end them.")
        owner = await identity.get_user(session, actor.scope, owner_id)
        await identity.check_rank_of(session, actor, owner.role, "Ending this person's sessions")
    kept = actor.session_id if others else None
    return len(await store.end_sessions_of(session, owner_id, "revoked", but=kept))
