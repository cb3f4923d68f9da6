"""/api/v1/ai/models: reading for `models:read`, changing for `admin`."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from turnpike.control.domains.catalog.access import Access
from turnpike.control.domains.catalog.parts import Parts
from turnpike.control.domains.catalog.reading import split_slugs
from turnpike.control.domains.catalog.repository import ModelFilter
from turnpike.control.domains.catalog.schemas import Capability, ModelBody, ModelPatch, ModelView, TestView
from turnpike.control.domains.catalog.views import view_model
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import NO_CONTROL
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Reader, Services
from turnpike.errors import NotFound

router = APIRouter(prefix="/api/v1/ai/models", tags=["models"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVIDERS))]
ProviderRef = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9._-]{1,64}$", description="Id or slug.")]
ExactName = Annotated[str | None, Query(max_length=255, pattern=NO_CONTROL)]
Slugs = Annotated[str, Query(max_length=8000, pattern=NO_CONTROL, description="`openai,anthropic`")]


@router.get("")
async def list_models(
    actor: Reader,
    parts: Parts,
    session: Reading,
    page: Paged,
    search: Search = None,
    name: ExactName = None,
    provider: ProviderRef = None,
    capability: Capability | None = None,
    is_active: bool | None = None,
    priced: bool | None = None,
    sort: Sort = None,
) -> Envelope[list[ModelView]]:
    """Those who do not administer see active models of active providers only."""
    active = is_active if actor.may(Permission.MANAGE_PROVIDERS) else True
    wanted = ModelFilter(search, name, provider, capability, active, priced)
    found = await parts.reader.models(session, wanted, sort, page)
    access = Access(actor)
    return page_of([view_model(row, access) for row in found.rows], page, found.total)


@router.get("/bulk")
async def models_in_bulk(
    actor: Reader, parts: Parts, session: Reading, providers: Slugs
) -> Envelope[dict[str, list[ModelView]]]:
    """The active models of several providers, read in one query."""
    found = await parts.reader.models_in_bulk(session, split_slugs(providers))
    access = Access(actor)
    return ok({slug: [view_model(row, access) for row in rows] for slug, rows in found.items()})


@router.post("", status_code=201)
async def create_model(actor: Manager, parts: Parts, session: Writing, body: ModelBody) -> Envelope[ModelView]:
    return ok(view_model(await parts.models.create(session, body), Access(actor)))


@router.get("/{model_id}")
async def get_model(actor: Reader, parts: Parts, session: Reading, model_id: PathId) -> Envelope[ModelView]:
    row = await parts.reader.model(session, model_id.lower())
    if not (row.is_active and row.provider_is_active) and not actor.may(Permission.MANAGE_PROVIDERS):
        raise NotFound(f"There is no model {model_id}.")
    return ok(view_model(row, Access(actor)))


@router.put("/{model_id}")
async def replace_model(
    actor: Manager, parts: Parts, session: Writing, model_id: PathId, body: ModelBody
) -> Envelope[ModelView]:
    return ok(view_model(await parts.models.replace(session, model_id.lower(), body), Access(actor)))


@router.patch("/{model_id}")
async def change_model(
    actor: Manager, parts: Parts, session: Writing, model_id: PathId, body: ModelPatch
) -> Envelope[ModelView]:
    return ok(view_model(await parts.models.change(session, model_id.lower(), body), Access(actor)))


@router.delete("/{model_id}")
async def delete_model(_: Manager, parts: Parts, session: Writing, model_id: PathId) -> Envelope[dict[str, Any]]:
    row = await parts.models.remove(session, model_id.lower())
    return ok({"id": row.id}, f"{row.name} is gone.")


@router.post("/{model_id}/test")
async def test_model(_: Manager, parts: Parts, control: Services, model_id: PathId) -> Envelope[TestView]:
    """Whether the provider lists this model; no call is made to the model itself."""
    return ok(await parts.upstream.test_model(control.database, model_id.lower()))
