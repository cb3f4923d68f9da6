"""/api/v1/flags: made by administrators, read by everybody for themselves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from turnpike.control.domains.flags import service
from turnpike.control.domains.flags.rules import FlagKind
from turnpike.control.domains.flags.schemas import EvaluatedView, FlagBody, FlagPatch, FlagView, view_flag
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, Search, Sort
from turnpike.control.web.principal import AnyKey, May, Principal

router = APIRouter(prefix="/api/v1/flags", tags=["flags"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_FLAGS))]
NameOrId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="The name or the id.")]


@router.get("")
async def list_flags(
    _: Manager,
    session: Reading,
    page: Paged,
    search: Search = None,
    kind: Annotated[FlagKind | None, Query(description="The type of the values.")] = None,
    is_active: Annotated[bool | None, Query(description="Whether its rules are in force.")] = None,
    sort: Sort = None,
) -> Envelope[list[FlagView]]:
    """All flags with their rules."""
    rows, total = await service.find(session, search, kind, is_active, sort, page)
    return page_of([view_flag(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_flag(_: Manager, session: Writing, body: FlagBody) -> Envelope[FlagView]:
    """A flag; at work with the answer."""
    return ok(view_flag(await service.create(session, body.model_dump(mode="json"))))


@router.get("/evaluated")
async def evaluate_flags(actor: AnyKey, session: Reading) -> Envelope[list[EvaluatedView]]:
    """Every flag as it is for who asks: by their department, role and person."""
    return ok(await service.evaluated(session, actor))


@router.get("/{flag}")
async def get_flag(_: Manager, session: Reading, flag: NameOrId) -> Envelope[FlagView]:
    """One flag."""
    return ok(view_flag(await service.get(session, flag)))


@router.patch("/{flag}")
async def change_flag(_: Manager, session: Writing, flag: NameOrId, body: FlagPatch) -> Envelope[FlagView]:
    """Changes what is named. Name and kind stay: programs rely on them."""
    values = body.model_dump(mode="json", include=body.model_fields_set)
    return ok(view_flag(await service.change(session, flag, values)), "At work now.")


@router.delete("/{flag}")
async def delete_flag(_: Manager, session: Writing, flag: NameOrId) -> Envelope[FlagView]:
    """Removes it: who asks for it finds nothing any more."""
    return ok(view_flag(await service.remove(session, flag)), "The flag is gone.")
