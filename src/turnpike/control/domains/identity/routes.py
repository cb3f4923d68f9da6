"""/api/v1/users and /api/v1/departments: as far as the caller's permissions reach."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.identity import service
from turnpike.control.domains.identity.repository import UserFilter
from turnpike.control.domains.identity.schemas import (
    DepartmentBody,
    DepartmentView,
    UserBody,
    UserPatch,
    UserView,
    view_department,
    view_user,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.rights.roles import ROLE_NAME
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1")
_users = APIRouter(prefix="/users", tags=["users"])
_departments = APIRouter(prefix="/departments", tags=["departments"])
UserViewer = Annotated[Principal, Depends(May(Permission.VIEW_USERS))]
UserManager = Annotated[Principal, Depends(May(Permission.MANAGE_USERS))]
DepartmentViewer = Annotated[Principal, Depends(May(Permission.VIEW_DEPARTMENTS))]
DepartmentManager = Annotated[Principal, Depends(May(Permission.MANAGE_DEPARTMENTS))]


@_users.get("")
async def list_users(
    actor: UserViewer,
    session: Reading,
    page: Paged,
    search: Search = None,
    role: Annotated[str | None, Query(pattern=ROLE_NAME)] = None,
    department_id: Annotated[str | None, Query(pattern=UUID)] = None,
    is_active: bool | None = None,
    sort: Sort = None,
) -> Envelope[list[UserView]]:
    wanted = UserFilter(search, role, department_id, is_active)
    rows, total = await service.list_users(session, actor.scope, wanted, sort, page)
    return page_of([view_user(row) for row in rows], page, total)


@_users.post("", status_code=201)
async def create_user(actor: UserManager, session: Writing, body: UserBody) -> Envelope[UserView]:
    return ok(view_user(await service.create_user(session, actor, body.model_dump())))


@_users.get("/{user_id}")
async def get_user(actor: UserViewer, session: Reading, user_id: PathId) -> Envelope[UserView]:
    return ok(view_user(await service.get_user(session, actor.scope, user_id.lower())))


@_users.patch("/{user_id}")
async def change_user(actor: UserManager, session: Writing, user_id: PathId, body: UserPatch) -> Envelope[UserView]:
    return ok(view_user(await service.change_user(session, actor, user_id.lower(), body.given())))


@_departments.get("")
async def list_departments(
    actor: DepartmentViewer, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[DepartmentView]]:
    rows, total = await service.list_departments(session, actor.scope, search, sort, page)
    return page_of([view_department(row) for row in rows], page, total)


@_departments.post("", status_code=201)
async def create_department(_: DepartmentManager, session: Writing, body: DepartmentBody) -> Envelope[DepartmentView]:
    return ok(view_department(await service.create_department(session, body.name)))


@_departments.get("/{department_id}")
async def get_department(actor: DepartmentViewer, session: Reading, department_id: PathId) -> Envelope[DepartmentView]:
    return ok(view_department(await service.get_department(session, actor.scope, department_id.lower())))


@_departments.patch("/{department_id}")
async def rename_department(
    actor: DepartmentManager, session: Writing, department_id: PathId, body: DepartmentBody
) -> Envelope[DepartmentView]:
    return ok(view_department(await service.rename_department(session, actor.scope, department_id.lower(), body.name)))


router.include_router(_users)
router.include_router(_departments)
