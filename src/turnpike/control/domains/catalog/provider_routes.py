"""/api/v1/ai/providers: reading for `models:read`, changing for `admin`."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query

from turnpike.control.domains.catalog.parts import Parts
from turnpike.control.domains.catalog.repository import ProviderFilter
from turnpike.control.domains.catalog.schemas import (
    ProviderBody,
    ProviderPatch,
    ProviderView,
    SyncBody,
    SyncView,
    TestBody,
    TestView,
)
from turnpike.control.domains.catalog.views import view_provider
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, PathIdOrSlug, Search, Sort
from turnpike.control.web.principal import May, Principal, Reader, Services
from turnpike.errors import NotFound

router = APIRouter(prefix="/api/v1/ai/providers", tags=["providers"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_PROVIDERS))]
VendorName = Annotated[str | None, Query(pattern=r"^[a-z0-9._-]{1,64}$")]


@router.get("")
async def list_providers(
    actor: Reader,
    parts: Parts,
    session: Reading,
    page: Paged,
    search: Search = None,
    vendor: VendorName = None,
    is_active: bool | None = None,
    sort: Sort = None,
) -> Envelope[list[ProviderView]]:
    """Those who do not administer see active providers only."""
    wanted = ProviderFilter(search, vendor, is_active if actor.may(Permission.MANAGE_PROVIDERS) else True)
    found = await parts.reader.providers(session, wanted, sort, page)
    return page_of([view_provider(row, actor) for row in found.rows], page, found.total)


@router.post("", status_code=201)
async def create_provider(actor: Manager, parts: Parts, session: Writing, body: ProviderBody) -> Envelope[ProviderView]:
    return ok(view_provider(await parts.providers.create(session, body), actor))


@router.get("/{provider}")
async def get_provider(actor: Reader, parts: Parts, session: Reading, provider: PathIdOrSlug) -> Envelope[ProviderView]:
    row = await parts.reader.provider(session, provider)
    if not row.is_active and not actor.may(Permission.MANAGE_PROVIDERS):
        raise NotFound(f"There is no provider {provider}.")
    return ok(view_provider(row, actor))


@router.put("/{provider}")
async def replace_provider(
    actor: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug, body: ProviderBody
) -> Envelope[ProviderView]:
    return ok(view_provider(await parts.providers.replace(session, provider, body), actor))


@router.patch("/{provider}")
async def change_provider(
    actor: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug, body: ProviderPatch
) -> Envelope[ProviderView]:
    return ok(view_provider(await parts.providers.change(session, provider, body), actor))


@router.delete("/{provider}")
async def delete_provider(
    _: Manager, parts: Parts, session: Writing, provider: PathIdOrSlug
) -> Envelope[dict[str, Any]]:
    """With its models, credentials and people's settings. The ledger keeps its rows."""
    row = await parts.providers.remove(session, provider)
    return ok({"id": row.id}, f"{row.slug} and its models are gone.")


@router.post("/{provider}/test")
async def test_provider(
    _: Manager, parts: Parts, control: Services, provider: PathIdOrSlug, body: Annotated[TestBody | None, Body()] = None
) -> Envelope[TestView]:
    """Asks the provider for its list of models: costs nothing, and shows address and key at work."""
    return ok(await parts.upstream.test(control.database, provider, body.api_key if body else None))


@router.post("/{provider}/sync-models")
async def sync_models(
    _: Manager, parts: Parts, control: Services, provider: PathIdOrSlug, body: Annotated[SyncBody | None, Body()] = None
) -> Envelope[SyncView]:
    """Adds the models that the provider lists and the catalog does not have; changes none that it has."""
    return ok(await parts.upstream.sync(control.database, provider, body or SyncBody()))
