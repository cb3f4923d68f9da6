"""/api/v1/budgets, as far as one's permissions reach; and .../current, what calls of one's own key are charged to."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from turnpike.control.db.models import Budget, BudgetSlice
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.budgets import service
from turnpike.control.domains.budgets.repository import BudgetFilter
from turnpike.control.domains.budgets.schemas import (
    AlertView,
    BudgetBody,
    BudgetDetail,
    BudgetPatch,
    BudgetView,
    Kind,
    Period,
    PeriodView,
    WriteOffBody,
    WrittenOffView,
)
from turnpike.control.domains.budgets.views import view, view_alert, view_holder, view_period
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import AnyKey, May, Principal, Services
from turnpike.kit.money import usd_text

Viewer = Annotated[Principal, Depends(May(Permission.VIEW_BUDGETS))]
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_BUDGETS))]
router = APIRouter(prefix="/api/v1/budgets", tags=["budgets"])


async def _views(session: ReadSession, rows: Sequence[Budget]) -> list[BudgetView]:
    return [BudgetView(**view(*each)) for each in await service.shown(session, rows)]


async def _view(session: ReadSession, row: Budget) -> BudgetView:
    (shown,) = await _views(session, [row])
    return shown


async def _detail(session: ReadSession, row: Budget, control: Services) -> BudgetDetail:
    (shown,) = await service.shown(session, [row])
    lent = await service.slices(session, row)
    holders = [view_holder(each, here=control.money.is_here(each.home)) for each in lent]
    return BudgetDetail(**view(*shown), holders=holders)


@router.get("")
async def list_budgets(
    actor: Viewer,
    session: Reading,
    page: Paged,
    kind: Kind | None = None,
    subject: Annotated[str | None, Query(max_length=255)] = None,
    period: Period | None = None,
    sort: Sort = None,
) -> Envelope[list[BudgetView]]:
    """Budgets with what is spent of them now."""
    rows, total = await service.find(session, actor.scope, BudgetFilter(kind, subject, period), sort, page)
    return page_of(await _views(session, rows), page, total)


@router.post("", status_code=201)
async def create_budget(_: Manager, session: Writing, body: BudgetBody) -> Envelope[BudgetView]:
    """At work within a second at every relay. Spending is counted from then on."""
    return ok(await _view(session, await service.create(session, body)))


@router.get("/current")
async def list_own_budgets(actor: AnyKey, session: Reading) -> Envelope[list[BudgetView]]:
    """Those of the key that this request was made with, of its user and of their department."""
    return ok(await _views(session, await service.of_caller(session, actor)))


@router.get("/alerts")
async def list_alerts(
    actor: Viewer, session: Reading, page: Paged, budget_id: Annotated[str | None, Query(pattern=UUID)] = None
) -> Envelope[list[AlertView]]:
    """Percentages that were reached, the newest first: each once a period."""
    rows, total = await service.alerts(session, actor.scope, budget_id, page)
    return page_of([view_alert(row) for row in rows], page, total)


@router.get("/{budget_id}")
async def get_budget(actor: Viewer, control: Services, session: Reading, budget_id: PathId) -> Envelope[BudgetDetail]:
    """With who holds lent money of it."""
    return ok(await _detail(session, await service.get(session, actor.scope, budget_id.lower()), control))


@router.patch("/{budget_id}")
async def change_budget(
    actor: Manager, control: Services, session: Writing, budget_id: PathId, body: BudgetPatch
) -> Envelope[BudgetView]:
    """Lowering it below what is lent calls back what no running call needs."""
    row = await service.change(session, actor.scope, budget_id.lower(), body)
    control.money.recall(row.id)
    return ok(await _view(session, row))


@router.delete("/{budget_id}")
async def delete_budget(actor: Manager, control: Services, session: Writing, budget_id: PathId) -> Envelope[BudgetView]:
    row = await service.delete(session, actor.scope, budget_id.lower())
    control.money.recall(row.id)
    return ok(await _view(session, row), "The budget is deleted; what it counted stays in the ledger.")


@router.get("/{budget_id}/periods")
async def list_periods(actor: Viewer, session: Reading, page: Paged, budget_id: PathId) -> Envelope[list[PeriodView]]:
    """What was spent in each period, or bucket of a rolling budget; the newest first."""
    row = await service.get(session, actor.scope, budget_id.lower())
    rows, total = await service.periods(session, actor.scope, row.id, page)
    return page_of([view_period(row, each) for each in rows], page, total)


@router.post("/{budget_id}/write-off")
async def write_off(
    actor: Manager, control: Services, session: Writing, budget_id: PathId, body: WriteOffBody | None = None
) -> Envelope[WrittenOffView]:
    """Takes back what was lent to a machine that is gone for good and counts as spent until then. Should its journal
    come back after all, what it spent is counted then, and the budget may be overrun by as much."""

    def is_here(lent: BudgetSlice) -> bool:
        return control.money.is_here(lent.home)

    holders, total = await service.write_off(session, actor.scope, budget_id.lower(), body or WriteOffBody(), is_here)
    return ok(WrittenOffView(holders=sorted(set(holders)), written_off_usd=usd_text(total)))
