"""Which of the ledger's rows the audit log must hear of, and whom relays turned away before there could be a row.

They wait in a table of their own, put there in the transaction that keeps them from being put there twice, until
control chains them (turnpike.control.refusals)."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from turnpike.contract.events import Outcome
from turnpike.contract.refusals import RefusalRecord
from turnpike.control.audit.refusals import AUDITED_CODES, Refusal, merge
from turnpike.control.db.models import AuditMark, AuditWaiting
from turnpike.control.drain.rows import COLUMNS, Row
from turnpike.kit.ids import new_id

_AT = {name: place for place, name in enumerate(COLUMNS)}
_OUTCOME, _CODE = _AT["outcome"], _AT["error_code"]
_REFUSED = int(Outcome.REFUSED)
_NAMES = ("key_id", "user_id", "department_id", "error_code", "operation", "model_asked")
_PLACES = tuple(_AT[name] for name in _NAMES)
_STARTED, _REQUEST = _AT["started_at_ms"], _AT["request_id"]


def waiting_rows(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Rows of `audit_waiting` for these of the ledger: one for each kind of refusal; mostly none."""
    refused = [row for row in rows if row[_OUTCOME] == _REFUSED and row[_CODE] in AUDITED_CODES]
    if not refused:
        return []
    return list(_waiting(map(_refusal, refused)))


def _waiting(refusals: Iterable[Refusal]) -> Iterable[tuple[str, str]]:
    return ((new_id(), msgspec.json.encode(refusal).decode()) for refusal in merge(refusals))


def _refusal(row: Row) -> Refusal:
    started: int = row[_STARTED]
    key_id, user_id, department_id, code, operation, model = (row[place] for place in _PLACES)
    return Refusal(key_id, user_id, department_id, code, operation, model, 1, started, started, [row[_REQUEST]])


# ---- of whom nobody knew who they are


async def insert_refusals(engine: AsyncEngine, source: str, records: Sequence[RefusalRecord]) -> None:
    """Those of a relay that were not taken over yet, and how far that now goes, in one transaction. Raises DBAPIError
    when the database cannot be written to."""
    marks: Any = AuditMark.__table__
    make = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    async with engine.begin() as connection:
        # First, as it takes the lock that the rest needs.
        await connection.execute(make(marks).values(source=source, number=0).on_conflict_do_nothing())
        query = select(marks.c.number).where(marks.c.source == source).with_for_update()
        taken: int = (await connection.execute(query)).scalar_one()
        fresh = [record for record in records if record.number > taken]
        if not fresh:
            return
        rows = [{"id": name, "refusal": text} for name, text in _waiting(map(_stranger, fresh))]
        await connection.execute(insert(AuditWaiting), rows)
        newest = max(record.number for record in fresh)
        await connection.execute(update(marks).where(marks.c.source == source).values(number=newest))


async def forget_mark(engine: AsyncEngine, source: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(delete(AuditMark).where(AuditMark.source == source))


def _stranger(record: RefusalRecord) -> Refusal:
    at = record.at_ms
    return Refusal("", "", None, record.code, "", "", record.count, at, at, [], address=record.address)
