"""/api/v1/settings: what the gateway is set to; /api/v1/admin/maintenance: closing it for a while."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from turnpike.control.domains.settings import service
from turnpike.control.domains.settings.schemas import (
    GatewaySettingBody,
    GatewaySettingView,
    MaintenanceBody,
    MaintenanceView,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, Search, Sort
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.pagination import parse_sort

router = APIRouter(prefix="/api/v1/settings", tags=["settings"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_SETTINGS))]
maintenance_router = APIRouter(prefix="/api/v1/admin/maintenance", tags=["admin"])
Name = Annotated[str, Path(pattern=r"^[a-z][a-z0-9_]{0,63}$", description="As in docs/settings.md, in lower case.")]
Source = Literal["stored", "environment", "default"]


@router.get("")
async def list_settings(
    _: Manager,
    control: Services,
    session: Reading,
    page: Paged,
    search: Search = None,
    source: Annotated[Source | None, Query(description="Where the value in force comes from.")] = None,
    changeable: Annotated[bool | None, Query(description="Those that may be changed while the gateway runs.")] = None,
    sort: Sort = None,
) -> Envelope[list[GatewaySettingView]]:
    """Every setting, its value in force and where that comes from. Secrets are never shown."""
    orders = parse_sort(sort, ("name", "source"), "name")
    rows = service.views(control.runtime, await service.stored(session))
    wanted = (search or "").lower()
    found = [
        row
        for row in rows
        if wanted in row.name and source in (None, row.source) and changeable in (None, row.changeable)
    ]
    for order in reversed(orders):
        found.sort(key=lambda row: getattr(row, order.field), reverse=order.descending)
    return page_of(found[page.offset : page.offset + page.per_page], page, len(found))


@router.get("/{name}")
async def get_setting(_: Manager, control: Services, session: Reading, name: Name) -> Envelope[GatewaySettingView]:
    """One setting."""
    return ok(service.view(control.runtime, name, (await service.stored(session)).get(name)))


@router.put("/{name}")
async def set_setting(
    actor: Manager, control: Services, session: Writing, name: Name, body: GatewaySettingBody
) -> Envelope[GatewaySettingView]:
    """Stores a value that goes before the environment's; in force everywhere within a second."""
    return ok(await service.change(session, control.runtime, actor, name, body.value), "In force within a second.")


@router.delete("/{name}")
async def reset_setting(
    actor: Manager, control: Services, session: Writing, name: Name
) -> Envelope[GatewaySettingView]:
    """Forgets what was stored: the environment's value, or the default, is in force again."""
    return ok(await service.forget(session, control.runtime, actor, name), "In force within a second.")


@maintenance_router.get("")
async def get_maintenance(_: Manager, session: Reading) -> Envelope[MaintenanceView]:
    """Whether the gateway is closed, and what callers are told."""
    return ok(await service.maintenance(session))


@maintenance_router.put("")
async def set_maintenance(actor: Manager, session: Writing, body: MaintenanceBody) -> Envelope[MaintenanceView]:
    """Closes the gateway to new calls, or opens it: within a second at every relay. Whoever has the scope `admin` goes
    on; calls under way end as they would."""
    view = await service.set_maintenance(session, actor, body)
    return ok(view, "Closed within a second." if view.on else "Open within a second.")
