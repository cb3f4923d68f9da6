"""/api/v1/residency: for the admin scope."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.routes import residency
from turnpike.control.domains.routes.schemas import ResidencyBody, ResidencyPatch, ResidencyView, view_residency
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal

router = APIRouter(prefix="/api/v1/residency", tags=["routes"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_ROUTES))]


@router.get("")
async def list_policies(
    _: Manager,
    session: Reading,
    page: Paged,
    search: Search = None,
    name: Annotated[str | None, Query(max_length=200, pattern=NO_CONTROL)] = None,
    sort: Sort = None,
) -> Envelope[list[ResidencyView]]:
    rows, total = await residency.find(session, search, name, sort, page)
    return page_of([view_residency(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_policy(_: Manager, session: Writing, body: ResidencyBody) -> Envelope[ResidencyView]:
    """From then on no request that it holds for is sent elsewhere, be it a retry, a fallback or a copy."""
    return ok(view_residency(await residency.create(session, body.model_dump())))


@router.get("/{policy_id}")
async def get_policy(_: Manager, session: Reading, policy_id: PathId) -> Envelope[ResidencyView]:
    return ok(view_residency(await residency.get(session, policy_id.lower())))


@router.patch("/{policy_id}")
async def change_policy(
    _: Manager, session: Writing, policy_id: PathId, body: ResidencyPatch
) -> Envelope[ResidencyView]:
    return ok(view_residency(await residency.change(session, policy_id.lower(), body.given())))


@router.delete("/{policy_id}")
async def delete_policy(_: Manager, session: Writing, policy_id: PathId) -> Envelope[ResidencyView]:
    row = await residency.remove(session, policy_id.lower())
    return ok(view_residency(row), f"The policy {row.name} is gone.")
