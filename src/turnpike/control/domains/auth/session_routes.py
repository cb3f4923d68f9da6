"""/api/v1/auth/sessions: one's own, and for administrators those of others."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.auth import sessions
from turnpike.control.domains.auth.schemas import EndedView, SessionView, view_session
from turnpike.control.domains.auth.sessions import SessionFilter
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import May, Principal, Services

router = APIRouter(prefix="/api/v1/auth/sessions", tags=["auth"])
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_SESSIONS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_SESSIONS))]
OfUser = Annotated[str | None, Query(pattern=UUID, description="For administrators: whose.")]


@router.get("")
async def list_sessions(
    actor: Viewer,
    control: Services,
    session: Reading,
    page: Paged,
    user_id: OfUser = None,
    everyone: Annotated[bool, Query(description="For administrators: everybody's.")] = False,
    ended: Annotated[bool, Query(description="Those too that are over.")] = False,
    sort: Sort = None,
) -> Envelope[list[SessionView]]:
    idle_ms = int(control.settings.session_idle_minutes * 60_000)
    owner = sessions.whose(actor, user_id.lower() if user_id else None, everyone=everyone)
    rows, total = await sessions.find(session, actor.scope, SessionFilter(owner, ended), sort, page, idle_ms=idle_ms)
    return page_of([view_session(row, name, idle_ms, actor.session_id) for row, name in rows], page, total)


@router.delete("/{session_id}")
async def end_session(actor: Manager, session: Writing, session_id: PathId) -> Envelope[EndedView]:
    """It is dead everywhere within a second."""
    return ok(EndedView(ended=await sessions.end(session, actor, session_id.lower())))


@router.delete("")
async def end_sessions(
    actor: Manager,
    session: Writing,
    user_id: OfUser = None,
    others: Annotated[bool, Query(description="But for the session that asks.")] = False,
) -> Envelope[EndedView]:
    """All of a person's, one's own by default."""
    ended = await sessions.end_all(session, actor, user_id.lower() if user_id else None, others=others)
    return ok(EndedView(ended=ended))
