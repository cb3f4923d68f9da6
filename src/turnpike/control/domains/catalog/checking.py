"""Active health checks: asks providers, where it is switched on, for something that costs nothing, again and again.

Every control process checks for the relays of its own machine: what can be reached from one place may not be from
another. Results are not stored; a relay that has heard nothing takes a provider for healthy.
"""

import asyncio
import time
from dataclasses import replace

import structlog
from sqlalchemy import select

from turnpike.control.background import Background
from turnpike.control.db.database import UNREACHABLE
from turnpike.control.db.models import Provider
from turnpike.control.domains.catalog.credentials import Credentials
from turnpike.control.domains.catalog.facts import read_config
from turnpike.control.domains.catalog.prices import Pricing
from turnpike.control.domains.catalog.schemas import TestView
from turnpike.control.domains.catalog.upstream import Upstream
from turnpike.control.outbound import Outbound
from turnpike.control.provider_health import CheckResult
from turnpike.control.services import ControlServices
from turnpike.errors import TurnpikeError
from turnpike.kit.clock import now_ms

LOOK_EVERY_S = 0.5
TIMEOUT_S = 10.0
AT_ONCE = 16
log = structlog.get_logger()


class ProviderChecks(Background):
    """A runner of control."""

    task_name = "provider checks"

    def __init__(self, control: ControlServices) -> None:
        self._control = control
        self._upstream = Upstream(Outbound(control.settings), Credentials(control.sealer), Pricing())
        self._running: dict[str, asyncio.Task[None]] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._version = -1
        self._every: dict[str, tuple[str, float]] = {}
        """By provider id: slug and seconds between two checks."""
        self._due: dict[str, float] = {}

    async def stop(self) -> None:
        await self._end(*self._running.values())

    async def _run(self) -> None:
        while True:
            try:
                await self._read_wishes()
            except UNREACHABLE as error:
                log.warning("task_put_off", task="provider_checks", error_type=type(error).__name__)
            now = time.monotonic()
            for provider_id, (slug, every_s) in self._every.items():
                if provider_id not in self._running and self._due.get(provider_id, 0.0) <= now:
                    self._due[provider_id] = now + every_s
                    task = asyncio.create_task(self._check(provider_id, slug))
                    self._running[provider_id] = task
                    task.add_done_callback(lambda _, name=provider_id: self._running.pop(name, None))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _read_wishes(self) -> None:
        """Which providers are to be checked; read when the catalog has changed."""
        version = self._control.keeper.known_snapshot_version
        if version == self._version:
            return
        async with self._control.database.read() as session:
            rows = (await session.scalars(select(Provider).where(Provider.is_active))).all()
        wished = {row.id: (row.slug, read_config(row.config).health_check_s) for row in rows}
        self._every = {name: (slug, every_s) for name, (slug, every_s) in wished.items() if every_s}
        self._control.provider_health.keep(set(self._every))
        self._version = version

    async def _check(self, provider_id: str, slug: str) -> None:
        async with self._slots:
            result = await self._ask(provider_id, slug)
        health = self._control.provider_health
        if provider_id not in self._every:
            return
        before = health.result(provider_id)
        failures = health.failures(provider_id) + 1 if result.fails else 0
        health.found(provider_id, replace(result, failures=failures))
        after = health.result(provider_id)
        was_healthy = before is None or before.healthy
        if after is not None and after.healthy != was_healthy:
            log.warning("provider_health_changed", provider=slug, healthy=after.healthy, reason=after.error)

    async def _ask(self, provider_id: str, slug: str) -> CheckResult:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                view = await self._upstream.test(self._control.database, provider_id, None)
        except TimeoutError:
            return CheckResult(slug, now_ms(), True, None, None, f"{slug} did not answer within {TIMEOUT_S:.0f} s.")
        except UNREACHABLE as error:
            # Our own trouble, of which the provider knows nothing.
            return CheckResult(slug, now_ms(), False, None, None, f"Not checked: {type(error).__name__}.")
        except TurnpikeError as error:
            return CheckResult(slug, now_ms(), False, None, None, f"Not checked: {error.message}")
        return CheckResult(slug, now_ms(), _fails(view), view.status, view.elapsed_ms, view.error)


def _fails(view: TestView) -> bool:
    return not view.ok and (view.status is None or view.status >= 500)
