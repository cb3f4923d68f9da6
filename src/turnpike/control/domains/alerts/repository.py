"""Queries on alert rules, targets, states, silences and the history. Never commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select

from turnpike.control.db.models import AlertRecord, AlertRule, AlertSilence, AlertState, AlertTarget
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.listing import Columns, ordered, paged
from turnpike.kit.clock import now_ms
from turnpike.kit.pagination import Order, Page

RULE_ORDER: Columns = {"name": AlertRule.name, "created_at": AlertRule.created_at_ms, "kind": AlertRule.kind}
TARGET_ORDER: Columns = {"name": AlertTarget.name, "created_at": AlertTarget.created_at_ms, "kind": AlertTarget.kind}
STATE_ORDER: Columns = {"since": AlertState.since_ms, "state": AlertState.state, "subject": AlertState.subject}
RECORD_ORDER: Columns = {"at": AlertRecord.at_ms, "rule": AlertRecord.rule, "subject": AlertRecord.subject}
SILENCE_ORDER: Columns = {"until": AlertSilence.until_ms, "created_at": AlertSilence.created_at_ms}


@dataclass(frozen=True)
class RecordFilter:
    rule_id: str | None = None
    state: str | None = None
    subject: str | None = None
    since_ms: int | None = None


async def rules(
    session: ReadSession, kind: str | None, orders: Sequence[Order], page: Page
) -> tuple[Sequence[AlertRule], int]:
    query = select(AlertRule)
    if kind is not None:
        query = query.where(AlertRule.kind == kind)
    return await paged(session, ordered(query, orders, RULE_ORDER, AlertRule.id), page)


async def active_rules(session: ReadSession) -> Sequence[AlertRule]:
    return (await session.scalars(select(AlertRule).where(AlertRule.is_active).order_by(AlertRule.id))).all()


async def rule(session: ReadSession, rule_id: str) -> AlertRule | None:
    return await session.get(AlertRule, rule_id)


async def rule_named(session: ReadSession, name: str) -> AlertRule | None:
    return (await session.scalars(select(AlertRule).where(AlertRule.name == name))).first()


async def rules_telling(session: ReadSession, target_id: str) -> list[str]:
    """Names of the rules that tell a target: few there are, and their lists are documents."""
    rows = (await session.execute(select(AlertRule.name, AlertRule.targets).order_by(AlertRule.name))).all()
    return [name for name, targets in rows if target_id in targets]


async def targets(session: ReadSession, orders: Sequence[Order], page: Page) -> tuple[Sequence[AlertTarget], int]:
    return await paged(session, ordered(select(AlertTarget), orders, TARGET_ORDER, AlertTarget.id), page)


async def target(session: ReadSession, target_id: str) -> AlertTarget | None:
    return await session.get(AlertTarget, target_id)


async def target_named(session: ReadSession, name: str) -> AlertTarget | None:
    return (await session.scalars(select(AlertTarget).where(AlertTarget.name == name))).first()


async def known_targets(session: ReadSession, ids: Sequence[str]) -> set[str]:
    return set((await session.scalars(select(AlertTarget.id).where(AlertTarget.id.in_(ids)))).all())


async def states(
    session: ReadSession, state: str | None, orders: Sequence[Order], page: Page
) -> tuple[list[tuple[AlertState, AlertRule]], int]:
    query = select(AlertState)
    if state is not None:
        query = query.where(AlertState.state == state)
    complete = ordered(query, orders, STATE_ORDER, AlertState.rule_id).order_by(AlertState.subject)
    rows, total = await paged(session, complete, page)
    named = select(AlertRule).where(AlertRule.id.in_({row.rule_id for row in rows}))
    by_id = {row.id: row for row in (await session.scalars(named)).all()}
    return [(row, by_id[row.rule_id]) for row in rows], total


async def states_of(session: ReadSession, rule_id: str) -> dict[str, AlertState]:
    """By subject."""
    rows = (await session.scalars(select(AlertState).where(AlertState.rule_id == rule_id))).all()
    return {row.subject: row for row in rows}


async def record(session: WriteSession, values: dict[str, Any]) -> None:
    await session.execute(insert(AlertRecord).values(values))


async def history(
    session: ReadSession, wanted: RecordFilter, orders: Sequence[Order], page: Page
) -> tuple[Sequence[AlertRecord], int]:
    query = select(AlertRecord)
    for column, value in (
        (AlertRecord.rule_id, wanted.rule_id),
        (AlertRecord.state, wanted.state),
        (AlertRecord.subject, wanted.subject),
    ):
        if value is not None:
            query = query.where(column == value)
    if wanted.since_ms is not None:
        query = query.where(AlertRecord.at_ms >= wanted.since_ms)
    return await paged(session, ordered(query, orders, RECORD_ORDER, AlertRecord.id), page)


async def silences(
    session: ReadSession, orders: Sequence[Order], page: Page, *, over: bool
) -> tuple[Sequence[AlertSilence], int]:
    query = select(AlertSilence)
    if not over:
        query = query.where(AlertSilence.until_ms > now_ms())
    return await paged(session, ordered(query, orders, SILENCE_ORDER, AlertSilence.id), page)


async def silence(session: ReadSession, silence_id: str) -> AlertSilence | None:
    return await session.get(AlertSilence, silence_id)


async def forget_states(session: WriteSession, rule_id: str) -> None:
    await session.execute(delete(AlertState).where(AlertState.rule_id == rule_id))
