"""The event of a budget's percentage, and whom it concerns."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from turnpike.control.db.models import ApiKey, Budget, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.events import kinds
from turnpike.control.events.outbox import emit, time_or_none
from turnpike.kit.money import usd_text


async def tell(session: WriteSession, row: Budget, alert: Mapping[str, Any]) -> None:
    """`alert`: the columns of BudgetAlert."""
    department_id, user_id = await _concerned(session, row)
    payload = kinds.BudgetAlert(
        budget_id=row.id,
        kind=row.kind,
        subject=row.subject,
        period=row.period,
        period_start=time_or_none(alert["start_ms"]) or "",
        percent=alert["percent"],
        spent_usd=usd_text(alert["spent_nanousd"]),
        amount_usd=usd_text(alert["amount_nanousd"]),
    )
    emit(session, payload, department_id=department_id, user_id=user_id)


async def _concerned(session: ReadSession, row: Budget) -> tuple[str | None, str | None]:
    """Department and user."""
    if row.kind == "department":
        return row.subject, None
    query = select(User.department_id, User.id)
    if row.kind == "user":
        query = query.where(User.id == row.subject)
    elif row.kind == "key":
        query = query.join(ApiKey, ApiKey.user_id == User.id).where(ApiKey.id == row.subject)
    else:
        return None, None
    found = (await session.execute(query)).first()
    return (found.department_id, found.id) if found is not None else (None, None)
