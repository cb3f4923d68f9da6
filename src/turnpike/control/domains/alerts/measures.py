"""What a rule sees now: one reading for each subject. Reads the ledger and what machines say of providers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, case, func, literal, select

from turnpike.contract.events import Outcome
from turnpike.control.db.models import AlertRule, LedgerRow, LedgerTotal
from turnpike.control.db.sessions import ReadSession
from turnpike.control.delivery.health_reports import down
from turnpike.control.domains.alerts.anomaly import score
from turnpike.control.domains.alerts.baselines import HOUR_MS, Baselines
from turnpike.control.domains.alerts.kinds import EACH, GATEWAY, SCOPES, Kind
from turnpike.kit.clock import utc_day
from turnpike.kit.money import NANO_PER_USD

MOST_SUBJECTS = 200
ROWS_UP_TO_S = 48 * 3600
"""Longer windows are summed from the ledger's days."""
_FAULTS = (Outcome.UPSTREAM_ERROR, Outcome.CUT, Outcome.FAILED, Outcome.INTERRUPTED)
_NOT_JUDGED = (Outcome.CANCELLED, Outcome.REFUSED)


@dataclass(frozen=True)
class Reading:
    subject: str
    """Empty for the gateway."""
    value: float
    breached: bool
    message: str


async def read(session: ReadSession, rule: AlertRule, now: int, baselines: Baselines) -> list[Reading]:
    """What is not among them has nothing to show."""
    match rule.kind:
        case Kind.SPEND:
            return await _spend(session, rule, now)
        case Kind.SPEND_ANOMALY:
            return await _anomaly(session, rule, now, baselines)
        case Kind.ERROR_RATE:
            return await _error_rate(session, rule, now)
        case Kind.LATENCY:
            return await _latency(session, rule, now)
        case _:
            return await _provider_health(session, rule)


def subject_column(rule: AlertRule) -> SQLColumnExpression[str]:
    """Of the ledger's rows; the empty text for the gateway."""
    return literal("") if rule.scope == GATEWAY else SCOPES[rule.scope][0]


def narrowed(rule: AlertRule) -> list[ColumnElement[bool]]:
    if rule.scope == GATEWAY:
        return []
    column = SCOPES[rule.scope][0]
    return [column.is_not(None)] if rule.subject == EACH else [column == rule.subject]


async def _rows(
    session: ReadSession, rule: AlertRule, since_ms: int, *figures: Any, conditions: Sequence[ColumnElement[bool]] = ()
) -> Sequence[Any]:
    """One row a subject: its name, then the figures."""
    query = select(subject_column(rule).label("subject"), *figures).where(
        LedgerRow.started_at_ms >= since_ms, *narrowed(rule), *conditions
    )
    if rule.scope != GATEWAY:
        query = query.group_by(SCOPES[rule.scope][0]).order_by(figures[0].desc()).limit(MOST_SUBJECTS)
    return (await session.execute(query)).all()


async def _spend(session: ReadSession, rule: AlertRule, now: int) -> list[Reading]:
    if rule.window_s <= ROWS_UP_TO_S:
        cost = func.coalesce(func.sum(LedgerRow.cost_nanousd), 0)
        rows = await _rows(session, rule, now - rule.window_s * 1000, cost)
    else:
        rows = await _spend_of_days(session, rule, now)
    window = _span(rule.window_s)
    return [
        _reading(
            rule, subject, int(nanousd) / NANO_PER_USD, f"{int(nanousd) / NANO_PER_USD:.2f} USD were spent in {window}"
        )
        for subject, nanousd in rows
    ]


async def _spend_of_days(session: ReadSession, rule: AlertRule, now: int) -> Sequence[Any]:
    cost = func.coalesce(func.sum(LedgerTotal.cost_nanousd), 0)
    column: Any = literal("") if rule.scope == GATEWAY else SCOPES[rule.scope][1]
    query = select(column, cost).where(LedgerTotal.day >= utc_day(now - rule.window_s * 1000))
    if rule.scope != GATEWAY:
        query = query.where(column != "" if rule.subject == EACH else column == rule.subject)
        query = query.group_by(column).order_by(cost.desc()).limit(MOST_SUBJECTS)
    return (await session.execute(query)).all()


async def _anomaly(session: ReadSession, rule: AlertRule, now: int, baselines: Baselines) -> list[Reading]:
    cost = func.coalesce(func.sum(LedgerRow.cost_nanousd), 0)
    readings: list[Reading] = []
    past = await baselines.of(session, rule, now)
    for subject, nanousd in await _rows(session, rule, now - HOUR_MS, cost):
        spent = int(nanousd) / NANO_PER_USD
        found = score(spent, past.get(subject, []))
        if found is None:
            continue
        words = f"{spent:.2f} USD were spent in an hour; {found.usual:.2f} USD are usual (z = {found.z:.1f})"
        enough = spent - found.usual >= rule.options["min_usd"]
        readings.append(Reading(subject, found.z, enough and found.z >= rule.threshold, words))
    return readings


async def _error_rate(session: ReadSession, rule: AlertRule, now: int) -> list[Reading]:
    faults = func.coalesce(func.sum(case((LedgerRow.outcome.in_([int(each) for each in _FAULTS]), 1), else_=0)), 0)
    judged = LedgerRow.outcome.not_in([int(each) for each in _NOT_JUDGED])
    since = now - rule.window_s * 1000
    readings: list[Reading] = []
    for subject, failed, count in await _rows(session, rule, since, faults, func.count(), conditions=[judged]):
        if count < rule.options["min_requests"]:
            continue
        words = f"{failed} of {count} calls failed in {_span(rule.window_s)}"
        readings.append(_reading(rule, subject, 100 * int(failed) / count, words))
    return readings


async def _latency(session: ReadSession, rule: AlertRule, now: int) -> list[Reading]:
    column = LedgerRow.first_byte_us if rule.options["measure"] == "first_byte" else LedgerRow.total_us
    what = "the first byte" if rule.options["measure"] == "first_byte" else "the whole answer"
    answered = [LedgerRow.outcome == int(Outcome.OK), column > 0]
    since = now - rule.window_s * 1000
    percentile = rule.options["percentile"]
    readings: list[Reading] = []
    for subject, count in await _rows(session, rule, since, func.count(), conditions=answered):
        if not count or count < rule.options["min_requests"]:
            continue
        mine = narrowed(rule) if rule.scope == GATEWAY else [SCOPES[rule.scope][0] == subject]
        rank = max(0, math.ceil(percentile / 100 * count) - 1)
        query = select(column).where(LedgerRow.started_at_ms >= since, *answered, *mine)
        found = (await session.scalars(query.order_by(column).limit(1).offset(rank))).first()
        if found is not None:
            words = f"the {percentile:g}th percentile of {what} is {found / 1000:.0f} ms over {count} calls"
            readings.append(_reading(rule, subject, found / 1000, words))
    return readings


async def _provider_health(session: ReadSession, rule: AlertRule) -> list[Reading]:
    machines: dict[str, list[str]] = {}
    for row in await down(session):
        if rule.subject in (EACH, row.slug):
            machines.setdefault(row.slug, []).append(row.reason or "no answer")
    return [
        Reading(
            slug, float(len(reasons)), True, f"{slug} does not answer {len(reasons)} machine(s): {reasons[0][:200]}"
        )
        for slug, reasons in machines.items()
    ]


def _reading(rule: AlertRule, subject: str, value: float, words: str) -> Reading:
    return Reading(subject, value, value >= rule.threshold, words)


def _span(seconds: int) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds % length == 0 and seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
