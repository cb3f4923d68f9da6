"""/api/v1/webhooks: for the admin scope."""

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Body, Depends, Query

from turnpike.control.domains.webhooks.repository import DeliveryFilter, EndpointFilter
from turnpike.control.domains.webhooks.schemas import (
    DeliveryDetail,
    DeliveryView,
    EventTypeView,
    NewWebhookView,
    ReplayBody,
    ReplayedView,
    RotateBody,
    SentView,
    WebhookBody,
    WebhookPatch,
    WebhookView,
    view,
    view_attempt,
    view_delivery,
    view_detail,
    view_new,
)
from turnpike.control.domains.webhooks.service import WebhookService
from turnpike.control.events.kinds import KINDS
from turnpike.control.events.outbox import document
from turnpike.control.rights.permissions import Permission
from turnpike.control.web.database import Reading, Writing
from turnpike.control.web.envelope import Envelope, ok, page_of
from turnpike.control.web.fields import UUID
from turnpike.control.web.params import Paged, PathId, Sort
from turnpike.control.web.principal import AnyKey, May, Principal, Services

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"])
Manager = Annotated[Principal, Depends(May(Permission.MANAGE_WEBHOOKS))]
Status = Literal["pending", "delivered", "dead"]
SHOWN_ONCE = "Keep this secret now: it is not shown again."


def _service(control: Services) -> WebhookService:
    return WebhookService(control.settings, control.sealer)


Webhooks = Annotated[WebhookService, Depends(_service)]


@router.get("")
async def list_webhooks(
    _: Manager,
    webhooks: Webhooks,
    session: Reading,
    page: Paged,
    department_id: Annotated[str | None, Query(pattern=UUID)] = None,
    is_active: bool | None = None,
    sort: Sort = None,
) -> Envelope[list[WebhookView]]:
    rows, total = await webhooks.find(session, EndpointFilter(department_id, is_active), sort, page)
    return page_of([view(row) for row in rows], page, total)


@router.post("", status_code=201)
async def create_webhook(
    actor: Manager, webhooks: Webhooks, session: Writing, body: WebhookBody
) -> Envelope[NewWebhookView]:
    """Its secret is in the answer and nowhere else."""
    return ok(view_new(*await webhooks.create(session, actor, body.model_dump())), SHOWN_ONCE)


@router.get("/event-types")
async def list_event_types(_: AnyKey) -> Envelope[list[EventTypeView]]:
    """Every type of event, with the schema of its data."""
    return ok(
        [
            EventTypeView(
                type=name,
                version=kind.VERSION,
                description=(kind.__doc__ or "").strip(),
                reserved=kind.RESERVED,
                data=msgspec.json.schema(kind),
            )
            for name, kind in KINDS.items()
        ]
    )


@router.get("/deliveries")
async def list_deliveries(
    _: Manager,
    webhooks: Webhooks,
    session: Reading,
    page: Paged,
    receiver_id: Annotated[str | None, Query(pattern=UUID, description="A webhook, or an alert target.")] = None,
    status: Status | None = None,
    event_type: Annotated[str | None, Query(max_length=64)] = None,
    sort: Sort = None,
) -> Envelope[list[DeliveryView]]:
    """Deliveries of all webhooks and alert targets, the newest first unless sorted by created_at or status."""
    wanted = DeliveryFilter(receiver_id.lower() if receiver_id else None, status, event_type)
    rows, total = await webhooks.deliveries(session, wanted, sort, page)
    return page_of([view_delivery(row) for row in rows], page, total)


@router.get("/deliveries/{delivery_id}")
async def get_delivery(
    _: Manager, webhooks: Webhooks, session: Reading, delivery_id: PathId
) -> Envelope[DeliveryDetail]:
    """With what is sent, and every attempt."""
    shown, event, attempts = await webhooks.delivery(session, delivery_id.lower())
    return ok(view_detail(shown, document(event), [view_attempt(row) for row in attempts]))


@router.post("/deliveries/{delivery_id}/replay")
async def replay_delivery(
    _: Manager, webhooks: Webhooks, session: Writing, delivery_id: PathId
) -> Envelope[DeliveryView]:
    """Sends it again, under the same id."""
    return ok(view_delivery(await webhooks.replay(session, delivery_id.lower())))


@router.get("/{webhook_id}")
async def get_webhook(_: Manager, webhooks: Webhooks, session: Reading, webhook_id: PathId) -> Envelope[WebhookView]:
    return ok(view(await webhooks.get(session, webhook_id.lower())))


@router.patch("/{webhook_id}")
async def change_webhook(
    _: Manager, webhooks: Webhooks, session: Writing, webhook_id: PathId, body: WebhookPatch
) -> Envelope[WebhookView]:
    return ok(view(await webhooks.change(session, webhook_id.lower(), body.given())))


@router.delete("/{webhook_id}")
async def delete_webhook(_: Manager, webhooks: Webhooks, session: Writing, webhook_id: PathId) -> Envelope[WebhookView]:
    """With the history of its deliveries."""
    return ok(view(await webhooks.delete(session, webhook_id.lower())), "The webhook is deleted.")


@router.get("/{webhook_id}/deliveries")
async def list_webhook_deliveries(
    _: Manager,
    webhooks: Webhooks,
    session: Reading,
    page: Paged,
    webhook_id: PathId,
    status: Status | None = None,
    event_type: Annotated[str | None, Query(max_length=64)] = None,
    sort: Sort = None,
) -> Envelope[list[DeliveryView]]:
    """The newest first unless sorted otherwise; dead letters are those with the status `dead`."""
    row = await webhooks.get(session, webhook_id.lower())
    rows, total = await webhooks.deliveries(session, DeliveryFilter(row.id, status, event_type), sort, page)
    return page_of([view_delivery(each) for each in rows], page, total)


@router.post("/{webhook_id}/rotate-secret")
async def rotate_secret(
    _: Manager,
    webhooks: Webhooks,
    session: Writing,
    webhook_id: PathId,
    body: Annotated[RotateBody | None, Body()] = None,
) -> Envelope[NewWebhookView]:
    """A new secret; until the overlap is over deliveries are signed with both."""
    overlap = (body or RotateBody()).overlap_hours
    return ok(view_new(*await webhooks.rotate(session, webhook_id.lower(), overlap)), SHOWN_ONCE)


@router.post("/{webhook_id}/test", status_code=202)
async def test_webhook(_: Manager, webhooks: Webhooks, session: Writing, webhook_id: PathId) -> Envelope[SentView]:
    """Sends a `webhook.test` to it alone; its deliveries show what became of it."""
    return ok(SentView(event_id=(await webhooks.ping(session, webhook_id.lower())).id))


@router.post("/{webhook_id}/replay")
async def replay_dead_letters(
    _: Manager,
    webhooks: Webhooks,
    session: Writing,
    webhook_id: PathId,
    body: Annotated[ReplayBody | None, Body()] = None,
) -> Envelope[ReplayedView]:
    """Sends its dead letters again, each under its own id."""
    since = body.since if body is not None else None
    since_ms = 0 if since is None else int(since.timestamp() * 1000)
    return ok(ReplayedView(replayed=await webhooks.replay_dead(session, webhook_id.lower(), since_ms)))
