"""Spending by the hour over the days before: read once, then only what has been added."""

from collections import defaultdict
from dataclasses import dataclass, field

from sqlalchemy import func, literal, select

from turnpike.control.db.models import AlertRule, LedgerRow
from turnpike.control.db.sessions import ReadSession
from turnpike.control.domains.alerts.kinds import EACH, GATEWAY, SCOPES
from turnpike.kit.money import NANO_PER_USD

HOUR_MS = 3_600_000
_SETTLED_HOURS = 3
"""Hours so far back are not read again: what comes into the ledger later is missed."""


@dataclass
class _Known:
    version: int
    """When the rule was last changed."""
    until: int = 0
    """Hours before this one are known."""
    hours: dict[str, dict[int, float]] = field(default_factory=dict[str, dict[int, float]])


class Baselines:
    """Remembered by the process that evaluates."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def forget_others(self, rule_ids: set[str]) -> None:
        self._known = {name: known for name, known in self._known.items() if name in rule_ids}

    async def of(self, session: ReadSession, rule: AlertRule, now: int) -> dict[str, list[float]]:
        """By subject: dollars of each whole hour that ended an hour ago or earlier, from its first with spending on."""
        end = now // HOUR_MS - 1
        """The first hour that does not count: it is not over for an hour."""
        start = end - int(rule.options["baseline_hours"])
        known = self._known.get(rule.id)
        if known is None or known.version != rule.updated_at_ms:
            known = self._known[rule.id] = _Known(rule.updated_at_ms, start)
        await self._add(session, rule, known, max(start, known.until), end)
        found: dict[str, list[float]] = {}
        for subject, hours in known.hours.items():
            for hour in [hour for hour in hours if hour < start]:
                del hours[hour]
            if hours:
                found[subject] = [hours.get(hour, 0.0) for hour in range(min(hours), end)]
        return found

    async def _add(self, session: ReadSession, rule: AlertRule, known: _Known, start: int, end: int) -> None:
        if start >= end:
            return
        bucket = LedgerRow.started_at_ms // literal(HOUR_MS)
        query = select(bucket, func.sum(LedgerRow.cost_nanousd)).where(
            LedgerRow.started_at_ms >= start * HOUR_MS,
            LedgerRow.started_at_ms < end * HOUR_MS,
            LedgerRow.cost_nanousd > 0,
        )
        if rule.scope == GATEWAY:
            rows = [("", *row) for row in (await session.execute(query.group_by(bucket))).all()]
        else:
            column = SCOPES[rule.scope][0]
            query = query.where(column.is_not(None) if rule.subject == EACH else column == rule.subject)
            rows = (await session.execute(query.add_columns(column).group_by(bucket, column))).all()
            rows = [(subject, hour, cost) for hour, cost, subject in rows]
        hours: dict[str, dict[int, float]] = defaultdict(dict)
        for subject, hour, cost in rows:
            hours[subject][int(hour)] = int(cost) / NANO_PER_USD
        for subject, found in hours.items():
            known.hours.setdefault(subject, {}).update(found)
        known.until = max(known.until, end - _SETTLED_HOURS)
