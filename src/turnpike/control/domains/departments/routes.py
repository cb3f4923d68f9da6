"""/api/v1/departments: as far as the caller's permissions reach."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.departments import repository, service
from turnpike.control.domains.departments.schemas import (
    DepartmentBody,
    DepartmentPatch,
    DepartmentView,
    MembersBody,
    MovedView,
    view_department,
)
from turnpike.control.domains.identity.schemas import UserView, view_user
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL, UUID
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1/departments", tags=["departments"])
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_DEPARTMENTS))]
PeopleViewer = Annotated[Principal, Depends(May(Permission.VIEW_USERS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_DEPARTMENTS))]
MoveTo = Annotated[str | None, Query(pattern=UUID, description="Department that its people and their keys go to.")]
Named = Annotated[str | None, Query(max_length=200, pattern=NO_CONTROL, description="The whole name, or the code.")]


@router.get("")
async def list_departments(
    actor: Viewer, session: Reading, page: Paged, search: Search = None, name: Named = None, sort: Sort = None
) -> Envelope[list[DepartmentView]]:
    """With how many people and keys each has. Sorted by name, code or created_at."""
    rows, total = await service.find(session, actor.scope, search, sort, page, name=name)
    return page_of([view_department(row, size) for row, size in rows], page, total)


@router.post("", status_code=201)
async def create_department(_: Manager, session: Writing, body: DepartmentBody) -> Envelope[DepartmentView]:
    row = await service.create(session, body.model_dump())
    return ok(view_department(row, repository.Size()))


@router.get("/{department_id}")
async def get_department(actor: Viewer, session: Reading, department_id: PathId) -> Envelope[DepartmentView]:
    """With the residency policies that say where its people's data may go."""
    row = await service.get(session, actor.scope, department_id.lower())
    size = await service.size_of(session, row.id)
    return ok(view_department(row, size, await repository.residency(session, row.id)))


@router.patch("/{department_id}")
async def change_department(
    actor: Manager, session: Writing, department_id: PathId, body: DepartmentPatch
) -> Envelope[DepartmentView]:
    """Models and tier are at work for all of its people within a second; keys that were made keep their tier."""
    row = await service.change(session, actor.scope, department_id.lower(), body.given())
    return ok(view_department(row, await service.size_of(session, row.id)))


@router.delete("/{department_id}")
async def delete_department(
    actor: Manager, session: Writing, department_id: PathId, move_to: MoveTo = None
) -> Envelope[MovedView]:
    """One that has people goes only when `move_to` says where to; one that a budget, a limit or a policy names, not
    before those are changed."""
    moved = await service.remove(session, actor, department_id.lower(), move_to.lower() if move_to else None)
    return ok(MovedView(moved=moved), "The department is gone.")


@router.get("/{department_id}/members")
async def list_members(
    actor: PeopleViewer, session: Reading, department_id: PathId, page: Paged, sort: Sort = None
) -> Envelope[list[UserView]]:
    """Its people. Sorted by display_name, email or created_at."""
    rows, total = await service.members(session, actor.scope, department_id.lower(), sort, page)
    return page_of([view_user(row) for row in rows], page, total)


@router.post("/{department_id}/members")
async def move_people(
    actor: Manager, session: Writing, department_id: PathId, body: MembersBody
) -> Envelope[MovedView]:
    """Makes people members, wherever they were; their keys go with them, within a second."""
    moved = await service.move(session, actor, department_id.lower(), body.user_ids)
    return ok(MovedView(moved=moved))
