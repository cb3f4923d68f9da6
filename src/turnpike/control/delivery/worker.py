"""Sends what is due: claims deliveries, tries each once, and writes down what became of it."""

import asyncio
import time

import structlog

from turnpike.control.background import Background, Outage, woken
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import AlertTarget, Delivery, EventRow, WebhookEndpoint
from turnpike.control.db.sessions import WriteSession
from turnpike.control.delivery import store
from turnpike.control.delivery.backoff import delay_s
from turnpike.control.delivery.fanout import WEBHOOK
from turnpike.control.delivery.senders import Outcome, Senders
from turnpike.control.events.kinds import EndpointDisabled
from turnpike.control.events.outbox import emit, time_or_none
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

POLL_S = 0.5
AT_ONCE = 16
EACH_AT_ONCE = 4
"""Of one receiver: a slow one holds nobody else up."""
GRACE_S = 15.0
"""A claim holds so much longer than an attempt may take."""
OFF = "The endpoint is switched off."
log = structlog.get_logger()


class DeliveryWorker(Background):
    """A runner of control's; any number of processes may do this. `home` names this one, and the one that was here
    before it died."""

    task_name = "deliveries"

    def __init__(self, settings: Settings, database: Database, senders: Senders, home: str) -> None:
        self._settings = settings
        self._database = database
        self._senders = senders
        self._home = home
        self._claim_ms = int((max(settings.webhook_timeout_s, settings.smtp_timeout_s) + GRACE_S) * 1000)
        self._wake = asyncio.Event()
        self._running: dict[asyncio.Task[None], str] = {}
        self._first = True

    def wake(self) -> None:
        self._wake.set()

    async def stop(self) -> None:
        """What is being sent is given up, and sent again by whoever comes next."""
        await self._end(*self._running)

    async def _run(self) -> None:
        outage = Outage("deliveries_put_off")
        while True:
            with outage.borne():
                if self._first:
                    async with self._database.write() as session:
                        await store.give_back(session, self._home)
                    self._first = False
                await self.begin_due()
            await woken(self._wake, POLL_S)

    async def begin_due(self) -> int:
        """Claims what is due, as far as there is room, and begins to send it. Returns how many were begun."""
        room = AT_ONCE - len(self._running)
        if room <= 0:
            return 0
        async with self._database.read() as session:
            if not await store.any_due(session):
                return 0
        sending = list(self._running.values())
        busy = [name for name in set(sending) if sending.count(name) >= EACH_AT_ONCE]
        async with self._database.write() as session:
            rows = await store.claim_due(
                session, self._home, self._claim_ms, limit=room, busy=busy, most_each=EACH_AT_ONCE
            )
        for row in rows:
            task = asyncio.create_task(self._guarded(row), name=f"delivery {row.id}")
            self._running[task] = row.receiver_id
            task.add_done_callback(self._ended)
        return len(rows)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self._wake.set()

    async def finish(self) -> None:
        """Waits until what was begun is over."""
        while self._running:
            await asyncio.wait(list(self._running))

    async def _guarded(self, delivery: Delivery) -> None:
        try:
            await self._try(delivery)
        except UNREACHABLE as error:
            # The claim ends by itself, and it is tried again: at least once, not exactly once.
            log.warning("delivery_not_marked", delivery_id=delivery.id, error_type=type(error).__name__)

    async def _try(self, delivery: Delivery) -> None:
        async with self._database.read() as session:
            event = await store.event(session, delivery.event_id)
            find = store.endpoint if delivery.channel == WEBHOOK else store.target
            receiver = await find(session, delivery.receiver_id)
        if event is None or receiver is None or not receiver.is_active:
            async with self._database.write() as session:
                await store.settle(session, delivery.id, self._home, store.dead(None, OFF))
            return
        at_ms, began = now_ms(), time.monotonic()
        outcome = await self._senders.send(event, receiver)
        values = {
            "at_ms": at_ms,
            "elapsed_ms": round((time.monotonic() - began) * 1000),
            "status": outcome.status,
            "error": outcome.error,
            "answer": outcome.answer,
        }
        async with self._database.write() as session:
            await store.note_attempt(session, delivery.id, values)
            await self._settle(session, delivery, outcome, event, receiver)

    async def _settle(
        self,
        session: WriteSession,
        delivery: Delivery,
        outcome: Outcome,
        event: EventRow,
        receiver: WebhookEndpoint | AlertTarget,
    ) -> None:
        if outcome.error is None:
            values = store.delivered(outcome.status)
        elif outcome.gone or outcome.final or delivery.attempts >= self._settings.webhook_attempts:
            values = store.dead(outcome.status, outcome.error)
            log.warning("delivery_dead", delivery_id=delivery.id, event_type=event.type, reason=outcome.error)
        else:
            due = now_ms() + int(delay_s(delivery.attempts, outcome.retry_after_s) * 1000)
            values = store.again(outcome.status, outcome.error, due)
        await store.settle(session, delivery.id, self._home, values)
        if isinstance(receiver, WebhookEndpoint):
            await self._judge(session, receiver.id, outcome)

    async def _judge(self, session: WriteSession, endpoint_id: str, outcome: Outcome) -> None:
        """Notes since when an endpoint fails, and switches it off when that is too long."""
        row = await store.endpoint(session, endpoint_id)
        if row is None:
            return
        if outcome.error is None:
            if row.failing_since_ms is not None:
                row.failing_since_ms = None
            return
        now = now_ms()
        if row.failing_since_ms is None:
            row.failing_since_ms = now
        too_long = now - row.failing_since_ms >= self._settings.webhook_disable_hours * 3_600_000
        if not row.is_active or not (too_long or outcome.gone):
            return
        hours = self._settings.webhook_disable_hours
        reason = "It answered 410 Gone." if outcome.gone else f"Every attempt failed for {hours:g} hours."
        row.is_active, row.disabled_because = False, reason
        await store.bury(session, row.id, OFF)
        told = EndpointDisabled(endpoint_id=row.id, reason=reason, failing_since=time_or_none(row.failing_since_ms))
        emit(session, told, department_id=row.department_id)
        log.warning("webhook_endpoint_disabled", endpoint_id=row.id, reason=reason)
