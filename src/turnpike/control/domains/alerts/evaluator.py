"""Evaluates alert rules again and again; of all control processes one does it at a time."""

import asyncio

import structlog

from turnpike.control.background import Background
from turnpike.control.claims import claim
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import AlertRule
from turnpike.control.delivery import store
from turnpike.control.domains.alerts import repository
from turnpike.control.domains.alerts.baselines import Baselines
from turnpike.control.domains.alerts.measures import Reading, read
from turnpike.control.domains.alerts.states import States
from turnpike.kit.clock import now_ms
from turnpike.settings import Settings

CLAIM = "alerts"
LEAST_CLAIM_MS = 15_000
log = structlog.get_logger()


class Evaluator(Background):
    """A runner of control's. Rules are read and measured first, in a transaction that holds nobody up; what comes of
    it is written in another, and only while the claim still holds."""

    task_name = "alerts"

    def __init__(self, settings: Settings, database: Database, home: str) -> None:
        self._every_s = settings.alert_every_s
        self._claim_ms = max(LEAST_CLAIM_MS, int(3000 * settings.alert_every_s))
        self._database = database
        self._home = home
        self._baselines = Baselines()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.evaluate()
            except UNREACHABLE as error:
                log.warning("alerts_not_evaluated", error_type=type(error).__name__)

    async def evaluate(self) -> bool:
        """Whether this process did it."""
        async with self._database.read() as session:
            rules = await repository.active_rules(session)
        if not rules or not await self._claimed():
            return False
        self._baselines.forget_others({rule.id for rule in rules})
        found = [(rule, await self._read(rule)) for rule in rules]
        async with self._database.write() as session:
            if not await claim(session, CLAIM, self._home, self._claim_ms):
                return False
            silences = await store.silences(session)
            for rule, readings in found:
                current = await repository.rule(session, rule.id)
                # What was changed meanwhile is looked at next time.
                if current is not None and current.is_active and current.updated_at_ms == rule.updated_at_ms:
                    await States(session, current, silences, now_ms()).apply(readings)
        return True

    async def _claimed(self) -> bool:
        async with self._database.write() as session:
            return await claim(session, CLAIM, self._home, self._claim_ms)

    async def _read(self, rule: AlertRule) -> list[Reading]:
        async with self._database.read() as session:
            return await read(session, rule, now_ms(), self._baselines)
