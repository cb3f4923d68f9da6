"""Queries on webhook endpoints and deliveries. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update

from turnpike.control.db.models import AlertTarget, Delivery, DeliveryAttempt, EventRow, WebhookEndpoint
from turnpike.control.db.models.events import DEAD, PENDING
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

ORDER: Columns = {"created_at": WebhookEndpoint.created_at_ms, "url": WebhookEndpoint.url}
DELIVERY_ORDER: Columns = {"created_at": Delivery.created_at_ms, "status": Delivery.status}
MOST_ATTEMPTS = 200


@dataclass(frozen=True)
class EndpointFilter:
    department_id: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class DeliveryFilter:
    receiver_id: str | None = None
    status: str | None = None
    event_type: str | None = None


@dataclass(frozen=True)
class ShownDelivery:
    row: Delivery
    event_type: str
    event_at_ms: int


async def endpoints(
    session: ReadSession, wanted: EndpointFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[WebhookEndpoint], int]:
    query = select(WebhookEndpoint)
    if wanted.department_id is not None:
        query = query.where(WebhookEndpoint.department_id == wanted.department_id)
    if wanted.is_active is not None:
        query = query.where(WebhookEndpoint.is_active == wanted.is_active)
    return await paged(session, ordered(query, orders, ORDER, WebhookEndpoint.id), page)


async def endpoint(session: ReadSession, endpoint_id: str) -> WebhookEndpoint | None:
    return await session.get(WebhookEndpoint, endpoint_id)


async def target_of(session: ReadSession, endpoint_id: str) -> AlertTarget | None:
    """An alert target that tells this endpoint."""
    return (await session.scalars(select(AlertTarget).where(AlertTarget.endpoint_id == endpoint_id))).first()


def _deliveries() -> Select[Delivery, str, int]:
    return select(Delivery, EventRow.type, EventRow.at_ms).join(EventRow, EventRow.id == Delivery.event_id)


async def deliveries(
    session: ReadSession, wanted: DeliveryFilter, orders: Sequence[Order], page: Page
) -> tuple[list[ShownDelivery], int]:
    query = _deliveries()
    if wanted.receiver_id is not None:
        query = query.where(Delivery.receiver_id == wanted.receiver_id)
    if wanted.status is not None:
        query = query.where(Delivery.status == wanted.status)
    if wanted.event_type is not None:
        query = query.where(EventRow.type == wanted.event_type)
    count = select(func.count()).select_from(query.with_only_columns(Delivery.id).subquery())
    total = (await session.execute(count)).scalar_one()
    shown = ordered(query, orders, DELIVERY_ORDER, Delivery.id).limit(page.per_page).offset(page.offset)
    rows = (await session.execute(shown)).all()
    return [ShownDelivery(*row) for row in rows], total


async def delivery(session: ReadSession, delivery_id: str) -> ShownDelivery | None:
    row = (await session.execute(_deliveries().where(Delivery.id == delivery_id))).one_or_none()
    return ShownDelivery(*row) if row else None


async def event_of(session: ReadSession, row: Delivery) -> EventRow:
    return (await session.scalars(select(EventRow).where(EventRow.id == row.event_id))).one()


async def attempts(session: ReadSession, delivery_id: str) -> Sequence[DeliveryAttempt]:
    """The latest last."""
    query = select(DeliveryAttempt).where(DeliveryAttempt.delivery_id == delivery_id)
    rows = (await session.scalars(query.order_by(DeliveryAttempt.id.desc()).limit(MOST_ATTEMPTS))).all()
    return rows[::-1]


_AFRESH = {"status": PENDING, "attempts": 0, "claim": None, "ended_at_ms": None}


async def send_again(session: WriteSession, delivery_id: str) -> None:
    """One that is not on its way."""
    mine = (Delivery.id == delivery_id, Delivery.status != PENDING)
    await session.execute(update(Delivery).where(*mine).values(**_AFRESH, due_at_ms=now_ms()))


async def send_dead_again(session: WriteSession, receiver_id: str, since_ms: int) -> int:
    mine = (Delivery.receiver_id == receiver_id, Delivery.status == DEAD, Delivery.created_at_ms >= since_ms)
    statement = update(Delivery).where(*mine).values(**_AFRESH, due_at_ms=now_ms()).returning(Delivery.id)
    return len((await session.execute(statement)).all())
