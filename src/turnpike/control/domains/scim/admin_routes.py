"""/api/v1/scim: tokens of identity providers, and what their groups give. For the admin scope."""

from typing import Annotated

from fastapi import APIRouter, Depends

from turnpike.control.domains.scim import mappings, tokens
from turnpike.control.domains.scim.provision import BASE
from turnpike.control.domains.scim.schemas import (
    MappingBody,
    MappingPatch,
    MappingView,
    NewTokenView,
    TokenBody,
    TokenView,
    view_mapping,
    view_token,
)
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Services

router = APIRouter(prefix="/api/v1/scim", tags=["users"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVISIONING))]
SHOWN_ONCE = "Keep this token now: it is not shown again."


@router.get("/tokens")
async def list_tokens(_: Manager, session: Reading, page: Paged, sort: Sort = None) -> Envelope[list[TokenView]]:
    """Sorted by name, created_at or last_used_at."""
    rows, total = await tokens.find(session, sort, page)
    return page_of([view_token(row) for row in rows], page, total)


@router.post("/tokens", status_code=201)
async def create_token(actor: Manager, control: Services, session: Writing, body: TokenBody) -> Envelope[NewTokenView]:
    """For an identity provider, to be given to it with `base_url`. It works at /scim/v2 alone."""
    end = None if body.expires_at is None else int(body.expires_at.timestamp() * 1000)
    row, token = await tokens.create(session, actor, body.name, end, control.sealer.keyring.pepper)
    base = control.settings.web_url
    view = NewTokenView(
        **view_token(row).model_dump(), token=token, base_url=f"{base}{BASE}" if base is not None else None
    )
    return ok(view, SHOWN_ONCE)


@router.delete("/tokens/{token_id}")
async def revoke_token(actor: Manager, session: Writing, token_id: PathId) -> Envelope[TokenView]:
    """At once and for ever; who was provisioned with it stays."""
    return ok(view_token(await tokens.revoke(session, actor, token_id.lower())), "The token is revoked.")


@router.get("/mappings")
async def list_mappings(
    _: Manager, session: Reading, page: Paged, search: Search = None, sort: Sort = None
) -> Envelope[list[MappingView]]:
    """Sorted by group or created_at."""
    rows, total = await mappings.find(session, search, sort, page)
    return page_of([view_mapping(row) for row in rows], page, total)


@router.post("/mappings", status_code=201)
async def create_mapping(actor: Manager, session: Writing, body: MappingBody) -> Envelope[MappingView]:
    """Being in a group of that name gives this role, this department, or both; at once for who is in it."""
    values = {"group_name": body.group, "role": body.role, "department_id": body.department_id}
    return ok(view_mapping(await mappings.create(session, actor, values)))


@router.get("/mappings/{mapping_id}")
async def get_mapping(_: Manager, session: Reading, mapping_id: PathId) -> Envelope[MappingView]:
    return ok(view_mapping(await mappings.get(session, mapping_id.lower())))


@router.patch("/mappings/{mapping_id}")
async def change_mapping(
    actor: Manager, session: Writing, mapping_id: PathId, body: MappingPatch
) -> Envelope[MappingView]:
    return ok(view_mapping(await mappings.change(session, actor, mapping_id.lower(), body.given())))


@router.delete("/mappings/{mapping_id}")
async def delete_mapping(actor: Manager, session: Writing, mapping_id: PathId) -> Envelope[MappingView]:
    """A role that it gave goes with it; a department stays."""
    return ok(view_mapping(await mappings.remove(session, actor, mapping_id.lower())), "The mapping is gone.")
