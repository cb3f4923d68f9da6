"""Budgets as the API shows them."""

from typing import Any

from turnpike.contract.periods import FOR_EVER_MS, ROLLING, TOTAL
from turnpike.control.db.models import Budget, BudgetAlert, BudgetCounter, BudgetSlice
from turnpike.control.domains.budgets.schemas import AlertView, HolderView, PeriodView
from turnpike.control.domains.budgets.service import HOUR_MS, forecast
from turnpike.control.domains.budgets.truth import Standing, span_of
from turnpike.control.web.envelope import moment, moment_or_none
from turnpike.kit.clock import now_ms
from turnpike.kit.money import usd_text


def view(row: Budget, name: str | None, stand: Standing) -> dict[str, Any]:
    """The fields of BudgetView."""
    at = now_ms()
    start, end = span_of(row).of(at)
    if row.period == ROLLING:
        start, end = at - row.length_ms, at
    expected = forecast(row, stand.spent, at)
    return {
        "id": row.id,
        "kind": row.kind,
        "subject": row.subject,
        "subject_name": name,
        "amount_usd": usd_text(row.amount_nanousd),
        "period": row.period,
        "time_zone": row.zone,
        "rolling_hours": row.length_ms // HOUR_MS or None,
        "hard": row.hard,
        "alerts": row.alerts,
        "flat_usd": None if row.flat_nanousd is None else usd_text(row.flat_nanousd),
        "is_active": row.is_active,
        "follows": "monthly_limit" if row.source is not None else None,
        "created_at": moment(row.created_at_ms),
        "updated_at": moment(row.updated_at_ms),
        "period_start": None if row.period == TOTAL else moment(start),
        "period_end": None if row.period == TOTAL else moment(end),
        "spent_usd": usd_text(stand.spent),
        "reserved_usd": usd_text(stand.lent),
        "remaining_usd": usd_text(max(0, row.amount_nanousd - stand.spent - stand.lent)),
        "forecast_usd": None if expected is None else usd_text(expected),
    }


def view_holder(row: BudgetSlice, *, here: bool) -> HolderView:
    return HolderView(
        holder=row.holder,
        period_start=moment(row.start_ms),
        lent_usd=usd_text(row.granted_nanousd),
        settled_usd=usd_text(row.settled_nanousd),
        here=here,
        seen_at=moment(row.seen_at_ms),
    )


def view_period(budget: Budget, row: BudgetCounter) -> PeriodView:
    end = span_of(budget).of(row.start_ms)[1]
    ends = None if end >= FOR_EVER_MS else end
    return PeriodView(start=moment(row.start_ms), end=moment_or_none(ends), spent_usd=usd_text(row.spent_nanousd))


def view_alert(row: BudgetAlert) -> AlertView:
    return AlertView(
        budget_id=row.budget_id,
        period_start=moment(row.start_ms),
        percent=row.percent,
        spent_usd=usd_text(row.spent_nanousd),
        amount_usd=usd_text(row.amount_nanousd),
        raised_at=moment(row.raised_at_ms),
    )
