"""/api/v1/roles: what roles there are, and making some."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path

from turnpike.control.domains.roles import service
from turnpike.control.domains.roles.schemas import PermissionView, RoleBody, RoleView, view_permissions, view_role
from turnpike.control.rights.permissions import Permission
from turnpike.control.rights.roles import ROLE_NAME
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, Search, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1/roles", tags=["roles"])
Viewer = Annotated[Principal, Depends(May(Permission.VIEW_USERS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_ROLES))]
RoleName = Annotated[str, Path(pattern=ROLE_NAME)]


@router.get("")
async def list_roles(
    _: Viewer, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[RoleView]]:
    """The four that are always there, in rising order, then those made here, by name. Sorted by rank, which is this
    order, or name."""
    found = await service.find(session, search, sort)
    shown = found[page.offset : page.offset + page.per_page]
    return page_of([view_role(role) for role in shown], page, len(found))


@router.get("/permissions")
async def list_permissions(_: Viewer) -> Envelope[list[PermissionView]]:
    """All permissions that roles are made of."""
    return ok(view_permissions())


@router.get("/{name}")
async def get_role(_: Viewer, session: Reading, name: RoleName) -> Envelope[RoleView]:
    """One role, with its permissions."""
    return ok(view_role(await service.get(session, name)))


@router.put("/{name}")
async def set_role(actor: Manager, session: Writing, name: RoleName, body: RoleBody) -> Envelope[RoleView]:
    """Makes a role, or changes it for all who have it, within a second. Nobody gives what they do not have."""
    permissions = {permission.value: reach for permission, reach in body.permissions.items()}
    return ok(view_role(await service.put(session, actor, name, body.description, permissions)))


@router.delete("/{name}")
async def delete_role(actor: Manager, session: Writing, name: RoleName) -> Envelope[dict[str, Any]]:
    """Takes a role away that nobody has."""
    role = await service.remove(session, actor, name)
    return ok({"name": role.name}, f"The role {role.name} is gone.")
