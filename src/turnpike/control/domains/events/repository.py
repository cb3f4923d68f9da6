"""Queries on events. There is none without a scope."""

from collections.abc import Sequence

from sqlalchemy import select

from turnpike.control.db.models import EventRow
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.events.scope import condition
from turnpike.control.rights.policy import Scope


async def after(session: ReadSession, scope: Scope, seq: int, until: int, limit: int) -> Sequence[EventRow]:
    """Those with the numbers behind `seq` up to `until`, in their order; tests of receivers are nobody's."""
    query = select(EventRow).where(EventRow.seq > seq, EventRow.seq <= until, EventRow.only.is_(None))
    return (await session.scalars(query.where(condition(scope)).order_by(EventRow.seq).limit(limit))).all()
