"""Writes an event into the transaction of what it tells, and gives the form in which it goes out."""

from collections.abc import Sequence
from typing import Any

import msgspec

from turnpike.control.db.models import AlertTarget, EventRow, WebhookEndpoint
from turnpike.control.db.sessions import WriteSession
from turnpike.control.events.kinds import Payload, Ping
from turnpike.errors import Conflict
from turnpike.kit.clock import from_ms, rfc3339


def emit(
    session: WriteSession,
    payload: Payload,
    *,
    department_id: str | None = None,
    user_id: str | None = None,
    targets: Sequence[str] = (),
    only: str | None = None,
) -> EventRow:
    """It is told when the transaction has committed, and never otherwise. `department_id` and `user_id` say whom it
    concerns: who may see it."""
    row = EventRow(
        type=payload.TYPE,
        version=payload.VERSION,
        department_id=department_id,
        user_id=user_id,
        data=msgspec.to_builtins(payload),
        targets=list(targets) or None,
        only=only,
    )
    session.add(row)
    session.emitted = True
    return row


async def ping(session: WriteSession, receiver: WebhookEndpoint | AlertTarget, called: str) -> EventRow:
    """Sends a test to it alone. Raises Conflict for one that is switched off, which names it as it is `called`."""
    if not receiver.is_active:
        raise Conflict(f"This {called} is switched off; switch it on first.")
    told = Ping(receiver_id=receiver.id, message="A test from Turnpike.")
    event = emit(session, told, department_id=receiver.department_id, only=receiver.id)
    await session.flush()
    return event


def document(row: EventRow) -> dict[str, Any]:
    """What receivers get: the same at every attempt. Shape: docs/webhooks.md."""
    return {
        "id": row.id,
        "type": row.type,
        "version": row.version,
        "timestamp": rfc3339(from_ms(row.at_ms)),
        "department_id": row.department_id,
        "data": row.data,
    }


def body(row: EventRow) -> bytes:
    """`document` as JSON."""
    return msgspec.json.encode(document(row))


def time_or_none(ms: int | None) -> str | None:
    return None if ms is None else rfc3339(from_ms(ms))
