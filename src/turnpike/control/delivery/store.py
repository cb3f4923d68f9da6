"""Queries on events that go out and on their deliveries. Never commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update

from turnpike.control.db.models import (
    AlertSilence,
    AlertTarget,
    Delivery,
    DeliveryAttempt,
    EventHead,
    EventRow,
    WebhookEndpoint,
)
from turnpike.control.db.models.events import DEAD, DELIVERED, PENDING
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.kit.clock import now_ms

# ---- handing out


async def any_waiting(session: ReadSession) -> bool:
    return (await session.scalars(select(EventRow.id).where(EventRow.seq.is_(None)).limit(1))).first() is not None


async def head(session: ReadSession) -> int:
    """The number of the newest event that was handed out."""
    return (await session.scalars(select(EventHead.seq).where(EventHead.id == 1))).one()


async def waiting(session: WriteSession, limit: int) -> Sequence[EventRow]:
    """Locks the numbering until the transaction ends, then reads what has no number."""
    await session.execute(select(EventHead.seq).where(EventHead.id == 1).with_for_update())
    query = select(EventRow).where(EventRow.seq.is_(None)).order_by(EventRow.id).limit(limit)
    return (await session.scalars(query)).all()


async def number(session: WriteSession, rows: Sequence[EventRow]) -> None:
    """Called with the lock held."""
    newest = await head(session)
    for place, row in enumerate(rows, newest + 1):
        row.seq = place
    await session.flush()
    await session.execute(update(EventHead).where(EventHead.id == 1).values(seq=newest + len(rows)))


async def endpoints(session: ReadSession) -> Sequence[WebhookEndpoint]:
    query = select(WebhookEndpoint).where(WebhookEndpoint.is_active).order_by(WebhookEndpoint.id)
    return (await session.scalars(query)).all()


async def targets(session: ReadSession) -> Sequence[AlertTarget]:
    return (await session.scalars(select(AlertTarget).where(AlertTarget.is_active).order_by(AlertTarget.id))).all()


async def silences(session: ReadSession) -> Sequence[AlertSilence]:
    return (await session.scalars(select(AlertSilence).where(AlertSilence.until_ms > now_ms()))).all()


# ---- sending


async def any_due(session: ReadSession) -> bool:
    query = select(Delivery.id).where(Delivery.status == PENDING, Delivery.due_at_ms <= now_ms()).limit(1)
    return (await session.scalars(query)).first() is not None


async def claim_due(
    session: WriteSession, holder: str, for_ms: int, *, limit: int, busy: Sequence[str], most_each: int
) -> Sequence[Delivery]:
    """Deliveries that are due, nobody else's until their claim ends; no more than `most_each` of one receiver, none
    of the `busy` ones. Rows that another process is at are passed over."""
    now = now_ms()
    query = select(Delivery).where(Delivery.status == PENDING, Delivery.due_at_ms <= now)
    if busy:
        query = query.where(Delivery.receiver_id.not_in(busy))
    query = query.order_by(Delivery.due_at_ms, Delivery.id).limit(limit).with_for_update(skip_locked=True)
    taken: list[Delivery] = []
    each: dict[str, int] = {}
    for row in (await session.scalars(query)).all():
        if each.get(row.receiver_id, 0) >= most_each:
            continue
        each[row.receiver_id] = each.get(row.receiver_id, 0) + 1
        row.claim, row.due_at_ms, row.attempts = holder, now + for_ms, row.attempts + 1
        taken.append(row)
    await session.flush()
    return taken


async def give_back(session: WriteSession, holder: str) -> None:
    """What a process of this name had claimed and will never finish is due at once."""
    mine = (Delivery.status == PENDING, Delivery.claim == holder)
    await session.execute(update(Delivery).where(*mine).values(claim=None, due_at_ms=now_ms()))


async def event(session: ReadSession, event_id: str) -> EventRow | None:
    return await session.get(EventRow, event_id)


async def endpoint(session: ReadSession, endpoint_id: str) -> WebhookEndpoint | None:
    return await session.get(WebhookEndpoint, endpoint_id)


async def target(session: ReadSession, target_id: str) -> AlertTarget | None:
    return await session.get(AlertTarget, target_id)


async def note_attempt(session: WriteSession, delivery_id: str, values: dict[str, Any]) -> None:
    await session.execute(insert(DeliveryAttempt).values(delivery_id=delivery_id, **values))


async def settle(session: WriteSession, delivery_id: str, holder: str, values: dict[str, Any]) -> bool:
    """Writes what became of a claimed delivery; False when the claim had passed to somebody else."""
    mine = (Delivery.id == delivery_id, Delivery.claim == holder, Delivery.status == PENDING)
    values = {"claim": None, **values}
    done = await session.execute(update(Delivery).where(*mine).values(values).returning(Delivery.id))
    return done.first() is not None


async def bury(session: WriteSession, receiver_id: str, because: str) -> None:
    """All that is on its way to a receiver is a dead letter."""
    values = {"status": DEAD, "ended_at_ms": now_ms(), "last_error": because, "claim": None}
    mine = (Delivery.receiver_id == receiver_id, Delivery.status == PENDING)
    await session.execute(update(Delivery).where(*mine).values(values))


async def forget(session: WriteSession, receiver_id: str) -> None:
    """The deliveries of a receiver that is no more."""
    await session.execute(delete(Delivery).where(Delivery.receiver_id == receiver_id))


def delivered(status: int | None) -> dict[str, Any]:
    return {"status": DELIVERED, "ended_at_ms": now_ms(), "last_status": status, "last_error": None}


def dead(status: int | None, error: str) -> dict[str, Any]:
    return {"status": DEAD, "ended_at_ms": now_ms(), "last_status": status, "last_error": error}


def again(status: int | None, error: str, due_at_ms: int) -> dict[str, Any]:
    return {"due_at_ms": due_at_ms, "last_status": status, "last_error": error}
