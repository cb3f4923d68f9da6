"""/api/v1/auth/issuers: for the admin scope."""

from typing import Annotated

from fastapi import APIRouter, Depends

from turnpike.control.domains.auth.issuer_schemas import (
    IssuerBody,
    IssuerPatch,
    IssuerView,
    TestedIssuerView,
    view_issuer,
)
from turnpike.control.domains.auth.issuers import IssuerService
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.params import Paged, PathId, Search, Sort
from turnpike.control.web.principal import May, Principal, Services
from turnpike.errors import TurnpikeError

router = APIRouter(prefix="/api/v1/auth/issuers", tags=["auth"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_ISSUERS))]


def _service(control: Services) -> IssuerService:
    return IssuerService(control)


Issuers = Annotated[IssuerService, Depends(_service)]


@router.get("")
async def list_issuers(
    _: Manager,
    control: Services,
    issuers: Issuers,
    session: Reading,
    page: Paged,
    search: Search = None,
    sort: Sort = None,
) -> Envelope[list[IssuerView]]:
    rows, total = await issuers.find(session, search, sort, page)
    return page_of([view_issuer(row, control.settings.web_url) for row in rows], page, total)


@router.post("", status_code=201)
async def create_issuer(
    actor: Manager, control: Services, issuers: Issuers, session: Writing, body: IssuerBody
) -> Envelope[IssuerView]:
    """At work everywhere within a second."""
    return ok(view_issuer(await issuers.create(session, actor, body), control.settings.web_url))


@router.get("/{issuer_id}")
async def get_issuer(
    _: Manager, control: Services, issuers: Issuers, session: Reading, issuer_id: PathId
) -> Envelope[IssuerView]:
    return ok(view_issuer(await issuers.get(session, issuer_id.lower()), control.settings.web_url))


@router.patch("/{issuer_id}")
async def change_issuer(
    actor: Manager, control: Services, issuers: Issuers, session: Writing, issuer_id: PathId, body: IssuerPatch
) -> Envelope[IssuerView]:
    """Sessions that came by an issuer end when it is switched off."""
    return ok(view_issuer(await issuers.change(session, actor, issuer_id.lower(), body), control.settings.web_url))


@router.delete("/{issuer_id}")
async def remove_issuer(actor: Manager, issuers: Issuers, session: Writing, issuer_id: PathId) -> Envelope[None]:
    """Its sessions end; the people who came by it stay."""
    await issuers.remove(session, actor, issuer_id.lower())
    return ok(None, "The issuer is removed.")


@router.post("/{issuer_id}/test")
async def check_issuer(_: Manager, issuers: Issuers, session: Reading, issuer_id: PathId) -> Envelope[TestedIssuerView]:
    """Whether its endpoints and keys can be read."""
    row = await issuers.get(session, issuer_id.lower())
    try:
        return ok(TestedIssuerView(ok=True, message=await issuers.test(row)))
    except TurnpikeError as error:
        return ok(TestedIssuerView(ok=False, message=error.message))
