"""/api/v1/routes: for the admin scope."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.routes import explain, service
from turnpike.control.domains.routes.schemas import (
    ExplainBody,
    ExplainView,
    RollbackBody,
    RouteBody,
    RoutePatch,
    RouteVersionView,
    RouteView,
    RuleBody,
    view_route,
    view_version,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Services

router = APIRouter(prefix="/api/v1/routes", tags=["routes"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_ROUTES))]


def _documents(rules: list[RuleBody]) -> list[dict[str, Any]]:
    return [rule.model_dump(mode="json", exclude_defaults=True) for rule in rules]


@router.get("")
async def list_routes(
    _: Manager,
    session: Reading,
    page: Paged,
    search: Search = None,
    name: Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)] = None,
    sort: Sort = None,
) -> Envelope[list[RouteView]]:
    rows, total = await service.find(session, search, name, sort, page)
    return page_of([view_route(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_route(actor: Manager, session: Writing, body: RouteBody) -> Envelope[RouteView]:
    values = body.model_dump(include={"name", "description", "is_active"})
    row = await service.create(session, actor, {**values, "rules": _documents(body.rules)}, body.note)
    return ok(view_route(row))


@router.post("/explain")
async def explain_route(
    actor: Manager, control: Services, session: Reading, body: ExplainBody
) -> Envelope[ExplainView]:
    """Where a request would go, and why. Nothing is sent."""
    return ok(await explain.explain(control, session, actor, body))


@router.get("/{route_id}")
async def get_route(_: Manager, session: Reading, route_id: PathId) -> Envelope[RouteView]:
    return ok(view_route(await service.get(session, route_id.lower())))


@router.patch("/{route_id}")
async def change_route(actor: Manager, session: Writing, route_id: PathId, body: RoutePatch) -> Envelope[RouteView]:
    """A new version; what is not named stays."""
    values = body.given()
    note, expected = values.pop("note", None), values.pop("version", None)
    if body.rules is not None:
        values["rules"] = _documents(body.rules)
    return ok(view_route(await service.change(session, actor, route_id.lower(), values, note, expected)))


@router.delete("/{route_id}")
async def delete_route(actor: Manager, session: Writing, route_id: PathId) -> Envelope[RouteView]:
    """The name means a model of its own again, where there is one. The versions stay."""
    row = await service.remove(session, actor, route_id.lower())
    return ok(view_route(row), f"The route {row.name} is gone.")


@router.get("/{route_id}/versions")
async def list_versions(
    _: Manager, session: Reading, page: Paged, route_id: PathId
) -> Envelope[list[RouteVersionView]]:
    """The newest first, with who made each, when, and why."""
    rows, total = await service.versions(session, route_id.lower(), page)
    return page_of([view_version(row) for row in rows], page, total)


@router.post("/{route_id}/rollback")
async def roll_back(actor: Manager, session: Writing, route_id: PathId, body: RollbackBody) -> Envelope[RouteView]:
    """Makes an old version the newest."""
    row = await service.roll_back(session, actor, route_id.lower(), body.version, body.note)
    return ok(view_route(row), f"The route {row.name} is as it was at version {body.version}.")
