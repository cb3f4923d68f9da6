"""/api/v1/ai/aliases: reading for `models:read`, changing for `admin`."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, Query
from pydantic import Field, model_validator

from turnpike.control.db.models import ModelAlias
from turnpike.control.domains.catalog import aliases
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, Moment, moment, ok, page_of
from turnpike.control.web.fields import NO_CONTROL, Body, ModelName, Text, View, refuse_null
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Reader
from turnpike.kit.pagination import parse_sort

router = APIRouter(prefix="/api/v1/ai/aliases", tags=["models"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVIDERS))]
AliasName = Annotated[ModelName, Field(pattern=r"^[^*]+$")]


class AliasBody(Body):
    name: AliasName = Field(description="What callers say.")
    target: AliasName = Field(description="The model that it means: its name, or `provider/name`.")
    retired: bool = Field(default=False, description="Answer that the model is gone and that `target` replaces it.")
    note: Text | None = Field(default=None, description="For callers who ask for a retired model.")


class AliasPatch(Body):
    name: AliasName | None = None
    target: AliasName | None = None
    retired: bool | None = None
    note: Text | None = None

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "note")
        return self


class AliasView(View):
    id: str
    name: str
    target: str
    retired: bool
    note: str | None
    created_at: Moment
    updated_at: Moment


def _view(row: ModelAlias) -> AliasView:
    times = {"created_at": moment(row.created_at_ms), "updated_at": moment(row.updated_at_ms)}
    return AliasView(id=row.id, name=row.name, target=row.target, retired=row.retired, note=row.note, **times)


@router.get("")
async def list_aliases(
    _: Reader,
    session: Reading,
    page: Paged,
    search: Search = None,
    name: Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)] = None,
    sort: Sort = None,
) -> Envelope[list[AliasView]]:
    rows, total = await aliases.find(session, search, name, parse_sort(sort, aliases.ORDER, "name"), page)
    return page_of([_view(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_alias(_: Manager, session: Writing, body: AliasBody) -> Envelope[AliasView]:
    return ok(_view(await aliases.create(session, body.model_dump())))


@router.get("/{alias_id}")
async def get_alias(_: Reader, session: Reading, alias_id: PathId) -> Envelope[AliasView]:
    return ok(_view(await aliases.get(session, alias_id.lower())))


@router.patch("/{alias_id}")
async def change_alias(_: Manager, session: Writing, alias_id: PathId, body: AliasPatch) -> Envelope[AliasView]:
    return ok(_view(await aliases.change(session, alias_id.lower(), body.given())))


@router.delete("/{alias_id}")
async def delete_alias(_: Manager, session: Writing, alias_id: PathId) -> Envelope[dict[str, Any]]:
    row = await aliases.remove(session, alias_id.lower())
    return ok({"id": row.id}, f"{row.name} is no alias any more.")
