"""/api/v1/users and /api/v1/departments: for the admin scope."""

from typing import Annotated

from fastapi import APIRouter, Query

from turnpike.contract.access import Role
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
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import Admin

router = APIRouter()
_users = APIRouter(prefix="/api/v1/users", tags=["users"])
_departments = APIRouter(prefix="/api/v1/departments", tags=["departments"])


@_users.get("")
async def list_users(
    _: Admin,
    session: Reading,
    page: Paged,
    search: Search = None,
    role: Role | None = None,
    department_id: Annotated[str | None, Query(pattern=UUID)] = None,
    is_active: bool | None = None,
    sort: Sort = None,
) -> Envelope[list[UserView]]:
    wanted = UserFilter(search, role, department_id, is_active)
    rows, total = await service.list_users(session, wanted, sort, page)
    return page_of([view_user(row) for row in rows], page, total)


@_users.post("", status_code=201)
async def create_user(actor: Admin, session: Writing, body: UserBody) -> Envelope[UserView]:
    return ok(view_user(await service.create_user(session, actor, body.model_dump())))


@_users.get("/{user_id}")
async def get_user(_: Admin, session: Reading, user_id: PathId) -> Envelope[UserView]:
    return ok(view_user(await service.get_user(session, user_id.lower())))


@_users.patch("/{user_id}")
async def change_user(actor: Admin, session: Writing, user_id: PathId, body: UserPatch) -> Envelope[UserView]:
    return ok(view_user(await service.change_user(session, actor, user_id.lower(), body.given())))


@_departments.get("")
async def list_departments(
    _: Admin, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[DepartmentView]]:
    rows, total = await service.list_departments(session, search, sort, page)
    return page_of([view_department(row) for row in rows], page, total)


@_departments.post("", status_code=201)
async def create_department(_: Admin, session: Writing, body: DepartmentBody) -> Envelope[DepartmentView]:
    return ok(view_department(await service.create_department(session, body.name)))


@_departments.get("/{department_id}")
async def get_department(_: Admin, session: Reading, department_id: PathId) -> Envelope[DepartmentView]:
    return ok(view_department(await service.get_department(session, department_id.lower())))


@_departments.patch("/{department_id}")
async def rename_department(
    _: Admin, session: Writing, department_id: PathId, body: DepartmentBody
) -> Envelope[DepartmentView]:
    return ok(view_department(await service.rename_department(session, department_id.lower(), body.name)))


router.include_router(_users)
router.include_router(_departments)
