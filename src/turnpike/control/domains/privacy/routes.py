"""What is held about a person: for themselves, and for administrators."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import StreamingResponse

from turnpike.control.audit.entries import OPERATOR, USER, Draft
from turnpike.control.domains.caching import service as caching
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.privacy import erasure
from turnpike.control.domains.privacy.export import export
from turnpike.control.domains.privacy.schemas import PersonEraseBody, PersonErasedView
from turnpike.control.infra.answers import Wanted
from turnpike.control.rights.permissions import Permission
from turnpike.control.services import ControlServices
from turnpike.control.web.envelope import Envelope, ok, request_id
from turnpike.control.web.params import PathId
from turnpike.control.web.principal import AnyKey, May, Principal, Services
from turnpike.errors import Conflict, Forbidden, InvalidRequest
from turnpike.kit.clock import now_ms, utc_now

router = APIRouter(prefix="/api/v1", tags=["users"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PERSONAL_DATA))]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {}}, "description": "Everything that is held about the person."}
}


@router.get("/auth/me/export", response_class=StreamingResponse, responses=_FILE)
async def export_own(actor: AnyKey, control: Services) -> StreamingResponse:
    """Everything that is held about who is signed in, as a JSON document."""
    if actor.session_id is None:
        raise Forbidden("Sign in for this: an API key does not give what is held about its owner.")
    return await _file(control, actor, actor.person())


@router.get("/users/{user_id}/export", response_class=StreamingResponse, responses=_FILE)
async def export_user(actor: Manager, control: Services, user_id: PathId) -> StreamingResponse:
    """Everything that is held about a person, as a JSON document: profile, sessions, keys without secrets, calls,
    invitations, what guards decided, and the audit log's entries about them."""
    async with control.database.read() as session:
        user = await identity.get_user(session, actor.scope, user_id.lower())
        await identity.check_rank_of(session, actor, user.role, "Exporting what is held about this person")
    return await _file(control, actor, user.id)


async def _file(control: ControlServices, actor: Principal, user_id: str) -> StreamingResponse:
    parts = export(control.database, user_id)
    # The first part now: what goes wrong with it is still an ordinary error.
    first = await anext(parts)
    async with control.database.write() as session:
        session.audit.append(
            Draft(
                "user.export",
                now_ms(),
                actor_kind=OPERATOR if actor.is_operator else USER,
                actor_id=actor.user_id,
                key_id=actor.key_id,
                department_id=actor.department_id,
                object_kind="user",
                object_id=user_id,
                request_id=request_id.get(),
            )
        )
    headers = {
        "content-disposition": f'attachment; filename="turnpike-person-{utc_now():%Y%m%d-%H%M%S}.json"',
        "cache-control": "no-store",
    }
    return StreamingResponse(_joined(first, parts), media_type="application/json", headers=headers)


async def _joined(first: bytes, others: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for part in others:
        yield part


@router.post("/users/{user_id}/erase")
async def erase_user(
    actor: Manager, control: Services, user_id: PathId, body: PersonEraseBody
) -> Envelope[PersonErasedView]:
    """Removes for ever what tells who this was: profile, sessions, links, identities, personal provider keys, names in
    the audit log, whose proof stays whole. API keys are revoked; calls and their sums stay, under a pseudonym."""
    wanted = user_id.lower()
    if body.confirm != wanted:
        raise InvalidRequest("confirm: give the person's id once more.", details={"param": "confirm"})
    entries = await erasure.entries_about(control.database, actor.scope, wanted)
    async with control.database.write() as session:
        await erasure.erase(session, actor, wanted, entries)
        kept = Wanted(user_id=wanted)
        try:
            await caching.clear(session, kept)
        except Conflict:
            kept = Wanted()
            await caching.clear(session, kept)
    await control.answers.clear(kept)
    complete = await erasure.finish(control.database, wanted)
    view = PersonErasedView(user_id=wanted, pseudonym=erasure.pseudonym(wanted), complete=complete)
    return ok(view, "The person is erased.")
