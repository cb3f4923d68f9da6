"""Tells the other machines, and the outbox, what this machine's checks found of providers.

A row stands for a provider that does not answer this machine; it is renewed while that is so, and goes when it is over.
"""

import asyncio
import time

import structlog
from sqlalchemy import delete, select, update

from turnpike.control.background import Background, woken
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import ProviderDown
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.events.kinds import ProviderHealthChanged
from turnpike.control.events.outbox import emit
from turnpike.control.provider_health import CheckResult, ProviderHealth
from turnpike.kit.clock import now_ms

EVERY_S = 1.0
RENEWED_MS = 30_000
FORGET_AFTER_S = 300.0
STALE_MS = 120_000
"""What a machine has not said for so long is not believed."""
log = structlog.get_logger()


async def down(session: ReadSession) -> list[ProviderDown]:
    """What any machine says that is heard of."""
    query = select(ProviderDown).where(ProviderDown.seen_at_ms > now_ms() - STALE_MS)
    return list((await session.scalars(query.order_by(ProviderDown.slug, ProviderDown.home))).all())


class HealthReports(Background):
    """A runner of control's."""

    task_name = "provider health"

    def __init__(self, database: Database, health: ProviderHealth, home: str) -> None:
        self._database = database
        self._health = health
        self._home = home
        self._rows: dict[str, str] | None = None
        """Slugs by id of what this machine has told to be down; None: not read yet, after a start."""
        self._began = time.monotonic()
        self._renewed_ms = 0
        self._wake = asyncio.Event()
        health.listen(lambda _: self._wake.set())

    async def _run(self) -> None:
        while True:
            await woken(self._wake, EVERY_S)
            try:
                await self.report()
            except UNREACHABLE as error:
                log.info("provider_health_not_told", error_type=type(error).__name__)

    async def report(self) -> None:
        if self._rows is None:
            async with self._database.read() as session:
                query = select(ProviderDown.provider_id, ProviderDown.slug).where(ProviderDown.home == self._home)
                self._rows = {row.provider_id: row.slug for row in (await session.execute(query)).all()}
        failing = self._health.failing()
        fresh = {name: result for name, result in failing.items() if name not in self._rows}
        over = [name for name in self._rows if name not in failing and self._was_checked(name)]
        renew = bool(self._rows) and now_ms() - self._renewed_ms >= RENEWED_MS
        if not (fresh or over or renew):
            return
        async with self._database.write() as session:
            await self._write(session, fresh, over, self._rows)
        for name in over:
            del self._rows[name]
        self._rows |= {name: result.slug for name, result in fresh.items()}
        self._renewed_ms = now_ms()

    def _was_checked(self, provider_id: str) -> bool:
        """By this process; what is not checked for long after a start is checked no more."""
        return self._health.result(provider_id) is not None or time.monotonic() - self._began > FORGET_AFTER_S

    async def _write(
        self, session: WriteSession, fresh: dict[str, CheckResult], over: list[str], slugs: dict[str, str]
    ) -> None:
        now = now_ms()
        mine = ProviderDown.home == self._home
        await session.execute(update(ProviderDown).where(mine).values(seen_at_ms=now))
        for provider_id, result in fresh.items():
            reason = (result.error or "")[:500] or None
            row = ProviderDown(provider_id=provider_id, home=self._home, slug=result.slug, reason=reason)
            row.since_ms = row.seen_at_ms = now
            session.add(row)
            self._emit(session, provider_id, result.slug, reason, healthy=False)
        for provider_id in over:
            await session.execute(delete(ProviderDown).where(mine, ProviderDown.provider_id == provider_id))
            self._emit(session, provider_id, slugs[provider_id], None, healthy=True)

    def _emit(self, session: WriteSession, provider_id: str, slug: str, reason: str | None, *, healthy: bool) -> None:
        emit(
            session,
            ProviderHealthChanged(
                provider_id=provider_id, provider=slug, healthy=healthy, reason=reason, machine=self._home[:12]
            ),
        )
