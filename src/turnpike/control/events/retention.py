"""Removes what was kept of events, deliveries and alerts for long enough. Never commits."""

from sqlalchemy import delete, select

from turnpike.control.db.models import AlertRecord, AlertSilence, Delivery, EventRow, KeyNotice
from turnpike.control.db.models.events import PENDING
from turnpike.control.db.sessions import WriteSession
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

DAY_MS = 86_400_000
AT_ONCE = 5_000


async def forget_old(session: WriteSession, settings: Settings) -> None:
    """An event that is still on its way stays. Deliveries go with their event, attempts with their delivery."""
    now = now_ms()
    on_its_way = select(Delivery.id).where(Delivery.event_id == EventRow.id, Delivery.status == PENDING).exists()
    old = (
        select(EventRow.id)
        .where(EventRow.at_ms < now - settings.event_retention_days * DAY_MS, EventRow.seq.is_not(None), ~on_its_way)
        .order_by(EventRow.at_ms)
        .limit(AT_ONCE)
    )
    await session.execute(delete(EventRow).where(EventRow.id.in_(old)))
    kept_from = now - settings.alert_history_days * DAY_MS
    await session.execute(delete(AlertRecord).where(AlertRecord.at_ms < kept_from))
    await session.execute(delete(AlertSilence).where(AlertSilence.until_ms < kept_from))
    await session.execute(delete(KeyNotice).where(KeyNotice.expires_at_ms < now))
