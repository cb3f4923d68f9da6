"""Bodies and answers of /api/v1/webhooks."""

from typing import Any, Self

from pydantic import AwareDatetime, Field, field_validator, model_validator

from turnpike.control.db.models import DeliveryAttempt, WebhookEndpoint
from turnpike.control.domains.webhooks.repository import ShownDelivery
from turnpike.control.events.kinds import KINDS, is_pattern
from turnpike.control.web.envelope import Moment, moment, moment_or_none
from turnpike.control.web.fields import Body, Text, UserId, View, refuse_null
from turnpike.kit.clock import now_ms

MOST_TYPES = 50


class _Fields(Body):
    @field_validator("event_types", check_fields=False)
    @classmethod
    def _known(cls, names: list[str] | None) -> list[str] | None:
        for name in names or ():
            if not is_pattern(name):
                raise ValueError(f"{name[:64]!r} is no event type; take `*`, `key.*`, or some of {', '.join(KINDS)}")
        return None if names is None else list(dict.fromkeys(names))


class WebhookBody(_Fields):
    url: str = Field(max_length=2000, examples=["https://hooks.example.com/turnpike"])
    event_types: list[str] = Field(
        default=["*"], min_length=1, max_length=MOST_TYPES, description="Event types, `key.*`, or `*` for all."
    )
    department_id: UserId | None = Field(default=None, description="Only events of this department; null: all.")
    description: Text | None = Field(default=None, max_length=200)


class WebhookPatch(_Fields):
    url: str | None = Field(default=None, max_length=2000)
    event_types: list[str] | None = Field(default=None, min_length=1, max_length=MOST_TYPES)
    department_id: UserId | None = None
    description: Text | None = Field(default=None, max_length=200)
    is_active: bool | None = Field(default=None, description="True switches it on again, and forgets its failures.")

    @model_validator(mode="after")
    def _nulls(self) -> Self:
        refuse_null(self.given(), "department_id", "description")
        return self


class RotateBody(Body):
    overlap_hours: float = Field(
        default=24.0, ge=0, le=720, description="How long the old secret signs beside the new one."
    )


class ReplayBody(Body):
    since: AwareDatetime | None = Field(default=None, description="Dead letters made since then; without it all.")


class WebhookView(View):
    id: str
    url: str
    event_types: list[str]
    department_id: str | None
    description: str | None
    is_active: bool
    disabled_because: str | None = Field(description="Why it was switched off by itself.")
    failing_since: Moment | None = Field(description="Since when every attempt has failed.")
    old_secret_until: Moment | None = Field(description="How long the secret before this one still signs.")
    created_at: Moment
    updated_at: Moment


class NewWebhookView(WebhookView):
    secret: str = Field(description="What deliveries are signed with; not shown again.")


class AttemptView(View):
    at: Moment
    elapsed_ms: int
    status: int | None = Field(description="HTTP status, or the mail server's reply; null: there was no answer.")
    error: str | None
    answer: str | None = Field(description="The beginning of what it answered.")


class DeliveryView(View):
    id: str
    event_id: str = Field(description="The header `webhook-id`: the same at every attempt.")
    event_type: str
    event_at: Moment
    channel: str = Field(description="webhook, email or slack")
    receiver_id: str = Field(description="A webhook, or an alert target.")
    status: str = Field(description="pending, delivered or dead")
    attempts: int = Field(description="Since it was made, or replayed.")
    next_attempt_at: Moment | None
    created_at: Moment
    ended_at: Moment | None
    last_status: int | None
    last_error: str | None


class DeliveryDetail(DeliveryView):
    event: dict[str, Any] = Field(description="What is sent.")
    history: list[AttemptView]


class ReplayedView(View):
    replayed: int


class SentView(View):
    event_id: str


class EventTypeView(View):
    type: str
    version: int
    description: str
    reserved: bool = Field(description="No release emits it yet.")
    data: dict[str, Any] = Field(description="JSON schema of the event's `data`.")


def view(row: WebhookEndpoint) -> WebhookView:
    return WebhookView(**_fields(row))


def view_new(row: WebhookEndpoint, secret: str) -> NewWebhookView:
    return NewWebhookView(**_fields(row), secret=secret)


def _fields(row: WebhookEndpoint) -> dict[str, Any]:
    until = row.old_until_ms if row.old_until_ms is not None and row.old_until_ms > now_ms() else None
    return {
        "id": row.id,
        "url": row.url,
        "event_types": row.event_types,
        "department_id": row.department_id,
        "description": row.description,
        "is_active": row.is_active,
        "disabled_because": row.disabled_because,
        "failing_since": moment_or_none(row.failing_since_ms),
        "old_secret_until": moment_or_none(until),
        "created_at": moment(row.created_at_ms),
        "updated_at": moment(row.updated_at_ms),
    }


def view_delivery(shown: ShownDelivery) -> DeliveryView:
    return DeliveryView(**_delivery(shown))


def view_detail(shown: ShownDelivery, event: dict[str, Any], attempts: list[AttemptView]) -> DeliveryDetail:
    return DeliveryDetail(**_delivery(shown), event=event, history=attempts)


def _delivery(shown: ShownDelivery) -> dict[str, Any]:
    row = shown.row
    return {
        "id": row.id,
        "event_id": row.event_id,
        "event_type": shown.event_type,
        "event_at": moment(shown.event_at_ms),
        "channel": row.channel,
        "receiver_id": row.receiver_id,
        "status": row.status,
        "attempts": row.attempts,
        "next_attempt_at": moment(row.due_at_ms) if row.status == "pending" else None,
        "created_at": moment(row.created_at_ms),
        "ended_at": moment_or_none(row.ended_at_ms),
        "last_status": row.last_status,
        "last_error": row.last_error,
    }


def view_attempt(row: DeliveryAttempt) -> AttemptView:
    return AttemptView(
        at=moment(row.at_ms), elapsed_ms=row.elapsed_ms, status=row.status, error=row.error, answer=row.answer
    )
