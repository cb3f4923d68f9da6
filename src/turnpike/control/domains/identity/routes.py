"""/api/v1/users: as far as the caller's permissions reach."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.identity import service
from turnpike.control.domains.identity.repository import UserFilter
from turnpike.control.domains.identity.schemas import UserBody, UserPatch, UserView, view_user
from turnpike.control.rights.permissions import Permission
from turnpike.control.rights.roles import ROLE_NAME
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1/users", tags=["users"])
_SWITCHED: dict[bool | None, str] = {
    False: "Sessions have ended and API keys are revoked, for good.",
    True: "Active again. Sessions and API keys that ended stay so: make new ones.",
}
UserViewer = Annotated[Principal, Depends(May(Permission.VIEW_USERS))]
UserManager = Annotated[Principal, Depends(May(Permission.MANAGE_USERS))]


@router.get("")
async def list_users(
    actor: UserViewer,
    session: Reading,
    page: Paged,
    search: Search = None,
    role: Annotated[str | None, Query(pattern=ROLE_NAME)] = None,
    department_id: Annotated[str | None, Query(pattern=UUID)] = None,
    is_active: bool | None = None,
    erased: Annotated[bool, Query(description="Those too that were erased.")] = False,
    sort: Sort = None,
) -> Envelope[list[UserView]]:
    wanted = UserFilter(search, role, department_id, is_active, erased)
    rows, total = await service.list_users(session, actor.scope, wanted, sort, page)
    return page_of([view_user(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_user(actor: UserManager, session: Writing, body: UserBody) -> Envelope[UserView]:
    return ok(view_user(await service.create_user(session, actor, body.model_dump())))


@router.get("/{user_id}")
async def get_user(actor: UserViewer, session: Reading, user_id: PathId) -> Envelope[UserView]:
    return ok(view_user(await service.get_user(session, actor.scope, user_id.lower())))


@router.patch("/{user_id}")
async def change_user(actor: UserManager, session: Writing, user_id: PathId, body: UserPatch) -> Envelope[UserView]:
    """Switching somebody off ends their sessions and revokes their API keys, everywhere within a second and for good:
    switching them on again gives back neither."""
    row = await service.change_user(session, actor, user_id.lower(), body.given())
    return ok(view_user(row), _SWITCHED.get(body.is_active))
