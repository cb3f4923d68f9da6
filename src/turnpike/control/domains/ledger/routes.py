"""/api/v1/ledger: the rows that the caller's permission reaches, one's own for a key with the scope ledger:read."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from turnpike.control.domains.ledger import service
from turnpike.control.domains.ledger.export import export
from turnpike.control.domains.ledger.repository import Row
from turnpike.control.domains.ledger.schemas import (
    ExportQuestion,
    LedgerMeta,
    ListQuestion,
    RowPage,
    RowView,
    SummaryPage,
    SummaryQuestion,
    SummaryView,
    SumsView,
)
from turnpike.control.domains.ledger.sums import DIMENSIONS
from turnpike.control.domains.ledger.views import sums_fields, view_row, view_sums
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading
from turnpike.control.web.downloads import described, download
from turnpike.control.web.envelope import Envelope, Pagination, ok, request_id
from turnpike.control.web.params import PathId
from turnpike.control.web.principal import May, Principal, Services
from turnpike.kit.pagination import Page, PageInfo

router = APIRouter(prefix="/api/v1/ledger", tags=["ledger"])
Reader = Annotated[Principal, Depends(May(Permission.VIEW_ANALYTICS))]


def _meta(page: Page, count: int, totals: SumsView) -> LedgerMeta:
    pagination = Pagination.model_validate(PageInfo.of(page, count))
    return LedgerMeta(request_id=request_id.get(), pagination=pagination, totals=totals)


@router.get("")
async def list_rows(actor: Reader, session: Reading, question: Annotated[ListQuestion, Query()]) -> RowPage:
    """Requests, the newest first; `meta.totals` sums up all that the filters match."""
    rows, sums = await service.find(session, actor, question)
    meta = _meta(question.paged(), sums["requests"], view_sums(sums))
    return RowPage(data=[view_row(row) for row in rows], meta=meta)


@router.get("/summary")
async def summarize(actor: Reader, session: Reading, question: Annotated[SummaryQuestion, Query()]) -> SummaryPage:
    """Sums per UTC day, model, key, user, department, provider or deployment, or several of them."""
    groups, count, sums = await service.summarize(session, actor, question)
    meta = _meta(question.paged(), count, view_sums(sums))
    return SummaryPage(data=[_group(group) for group in groups], meta=meta)


def _group(group: Row) -> SummaryView:
    names = {*DIMENSIONS.values(), "key_name"}
    words = {name: value or None for name, value in group.items() if name in names}
    numbers = {str(name): value for name, value in group.items() if name not in names}
    return SummaryView.model_validate({**words, **sums_fields(numbers)})


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=described("The rows, oldest first."),
)
async def export_rows(
    actor: Reader, control: Services, question: Annotated[ExportQuestion, Query()]
) -> StreamingResponse:
    """All matching rows as a file, the oldest first."""
    parts = export(control.database, actor.scope, service.row_filter(question), question.format)
    return await download(parts, "turnpike-ledger", question.format)


@router.get("/{event_id}")
async def get_row(actor: Reader, session: Reading, event_id: PathId) -> Envelope[RowView]:
    return ok(view_row(await service.get(session, actor, event_id)))
