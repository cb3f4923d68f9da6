"""What control does by itself, now and then: rotating keys, prices whose hour has come, old change log entries."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog
from sqlalchemy import select, update

from turnpike.control.background import Background
from turnpike.control.db.changes import forget_old_changes
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import Meta
from turnpike.control.domains.audit import service as audit
from turnpike.control.domains.catalog import repository as catalog
from turnpike.control.domains.catalog.prices import Pricing, price_list
from turnpike.control.domains.keys.service import KeyService
from turnpike.control.domains.policies import decisions
from turnpike.control.domains.privacy import erasure
from turnpike.control.domains.security import service as security
from turnpike.control.events.retention import forget_old
from turnpike.control.services import ControlServices
from turnpike.control.signin import store
from turnpike.control.web import idempotency
from turnpike.errors import TurnpikeError
from turnpike.kit.clock import now_ms

EVERY_S = 30.0
ROTATED_AT_ONCE = 100
log = structlog.get_logger()


class PeriodicTasks(Background):
    """Each task is a transaction or several, safe to repeat and to be done by several processes at the same time."""

    task_name = "periodic tasks"

    def __init__(self, control: ControlServices, every_s: float = EVERY_S) -> None:
        self._control = control
        self._every_s = every_s

    async def _run(self) -> None:
        while True:
            for name, task in (
                ("rotate_keys", self.rotate_keys),
                ("reprice", self.reprice),
                ("forget_old_changes", self.forget_old_changes),
                ("keep_audit", self.keep_audit),
                ("forget_old_decisions", self.forget_old_decisions),
                ("forget_expired_networks", self.forget_expired_networks),
                ("rotate_signing_keys", self._control.signin.keys.rotate_due),
                ("tidy_sign_in", self.tidy_sign_in),
                ("finish_erasures", self.finish_erasures),
                ("announce_key_ends", self.announce_key_ends),
                ("forget_old_events", self.forget_old_events),
                ("forget_old_answers", self.forget_old_answers),
            ):
                await _guarded(name, task)
            await asyncio.sleep(self._every_s)

    async def rotate_keys(self) -> int:
        """Returns how many keys got a successor."""
        keys = KeyService(self._control.settings, self._control.sealer)
        count = 0
        while True:
            async with self._control.database.write() as session:
                made = await keys.rotate_due(session, ROTATED_AT_ONCE)
            count += made
            if made < ROTATED_AT_ONCE:
                break
        if count:
            log.info("keys_rotated_by_policy", count=count)
        return count

    async def announce_key_ends(self) -> None:
        keys = KeyService(self._control.settings, self._control.sealer)
        async with self._control.database.write() as session:
            await keys.announce_ends(session, ROTATED_AT_ONCE)

    async def forget_old_events(self) -> None:
        """Events with their deliveries, and what is over of alerts."""
        async with self._control.database.write() as session:
            await forget_old(session, self._control.settings)

    async def reprice(self) -> int:
        return await reprice(self._control.database)

    async def tidy_sign_in(self) -> None:
        async with self._control.database.write() as session:
            await store.tidy(session)

    async def finish_erasures(self) -> None:
        await erasure.finish_all(self._control.database)

    async def forget_old_changes(self) -> None:
        async with self._control.database.write() as session:
            await forget_old_changes(session)

    async def forget_old_answers(self) -> None:
        async with self._control.database.write() as session:
            await idempotency.forget_old(session)

    async def forget_expired_networks(self) -> None:
        async with self._control.database.write() as session:
            await security.forget_expired(session)

    async def forget_old_decisions(self) -> int:
        return await decisions.forget_old(self._control.database, self._control.settings.guard_retention_days)

    async def keep_audit(self) -> None:
        """Removes from the audit log what is old enough."""
        control = self._control
        signer = audit.signer_of(control.sealer)
        await audit.keep_retention(control.settings, control.database, signer)


async def reprice(database: Database) -> int:
    """Compiles prices anew: all of them when the price list is another, else those whose time is over. Returns how
    many changed. The list itself is loaded only when there is something to do."""
    listed = price_list()
    async with database.read() as session:
        known = (await session.scalars(select(Meta.prices))).one()
        due = await catalog.any_to_reprice(session, None if known != listed else now_ms())
    if known == listed and not due:
        return 0
    pricing = Pricing()
    changed = 0
    async with database.write() as session:
        for model, provider in await catalog.models_to_reprice(session, None if known != listed else now_ms()):
            changed += pricing.price(model, provider)
        if known != listed:
            await session.execute(update(Meta).where(Meta.id == 1).values(prices=listed))
        if changed:
            session.changes.catalog()
    if changed:
        log.info("models_repriced", count=changed, price_list=listed)
    return changed


async def _guarded(name: str, task: Callable[[], Awaitable[object]]) -> None:
    try:
        await task()
    except UNREACHABLE as error:
        log.warning("task_put_off", task=name, error_type=type(error).__name__)
    except TurnpikeError as error:
        log.error("task_failed", task=name, reason=error.message)
