"""What guards decided, out of the journals into its table: each once, however often it is read.

What is new waits beside it, put there in the same transaction, until control chains it into the audit log
(turnpike.control.refusals).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from turnpike.contract.events import GuardRecord
from turnpike.control.audit.refusals import Decided, Refusal, merge
from turnpike.control.db.models import AuditWaiting, GuardDecision
from turnpike.kit.ids import new_id

_ROWS = 200
"""At a time: SQLite takes a bounded number of values in one statement."""
_COLUMNS = {column.name: getattr(column.type, "length", None) for column in GuardDecision.__table__.columns}
_LARGEST = 2**31 - 1
_LAST_MS = 253_402_300_799_999


async def insert_decisions(engine: AsyncEngine, records: Sequence[GuardRecord]) -> None:
    """Raises DBAPIError when the database cannot be written to."""
    rows = list(rows_of(records))
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    keys = (GuardDecision.event_id, GuardDecision.number, GuardDecision.place)
    statement = insert(GuardDecision).on_conflict_do_nothing().returning(*keys)
    async with engine.begin() as connection:
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            new = {tuple(row) for row in (await connection.execute(statement, part)).all()}
            waiting = waiting_rows([row for row in part if (row["event_id"], row["number"], row["place"]) in new])
            if waiting:
                await connection.execute(insert(AuditWaiting), waiting)


def waiting_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Rows of `audit_waiting` for these decisions: one for each kind of them."""
    return [
        {"id": new_id(), "refusal": msgspec.json.encode(decided).decode()} for decided in merge(map(_decided, rows))
    ]


def _decided(row: dict[str, Any]) -> Refusal:
    return Refusal(
        row["key_id"],
        row["user_id"],
        row["department_id"],
        "",
        row["operation"],
        row["model"],
        row["finds"],
        row["at_ms"],
        row["at_ms"],
        [row["request_id"]],
        Decided(row["policy_id"], row["policy"], row["guard"], row["kind"], row["action"], row["side"]),
    )


def rows_of(records: Iterable[GuardRecord]) -> Iterable[dict[str, Any]]:
    """Rows that fit their columns."""
    for record in records:
        caller = record.caller
        for place, each in enumerate(record.decisions):
            row = {
                "event_id": record.event_id,
                "number": min(record.number, _LARGEST),
                "place": place,
                "at_ms": min(max(record.at_ms, 0), _LAST_MS),
                "request_id": record.request_id,
                "key_id": caller.key_id,
                "key_name": caller.key_name,
                "user_id": caller.user_id,
                "department_id": caller.department_id,
                "operation": record.operation,
                "model": record.model_asked,
                "policy_id": each.policy_id,
                "policy": each.policy,
                "guard": each.guard,
                "kind": each.kind,
                "action": each.action,
                "side": each.where,
                "finds": min(each.count, _LARGEST),
            }
            yield {name: _fit(value, name) for name, value in row.items()}


def _fit(value: Any, name: str) -> Any:
    return value.replace("\0", "\ufffd")[: _COLUMNS[name]] if isinstance(value, str) else value
