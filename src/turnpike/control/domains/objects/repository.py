"""Queries on owned objects. Never commits."""

from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite

from turnpike.contract.events import Caller
from turnpike.contract.objects import BatchFacts, OwnedObject
from turnpike.control.db.models import OwnedObjectRow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.kit.clock import now_ms

_AT_ONCE = 400
"""Pairs in one query: SQLite bounds the variables of a statement."""


async def keep(session: WriteSession, objects: Iterable[OwnedObject], *, first_check_ms: int, is_sqlite: bool) -> None:
    """Puts in those that have no owner yet."""
    rows = [_values(each, first_check_ms) for each in objects]
    statement = (sqlite.insert if is_sqlite else postgresql.insert)(OwnedObjectRow)
    for start in range(0, len(rows), _AT_ONCE // 4):
        part = rows[start : start + _AT_ONCE // 4]
        await session.execute(statement.values(part).on_conflict_do_nothing())


def _values(made: OwnedObject, first_check_ms: int) -> dict[str, object]:
    return {
        "kind": made.kind,
        "object_id": made.object_id,
        "provider_id": made.provider_id,
        "user_id": made.owner.user_id,
        "key_id": made.owner.key_id,
        "key_name": made.owner.key_name,
        "department_id": made.owner.department_id,
        "credential_id": made.credential_id,
        "batch": None if made.batch is None else msgspec.to_builtins(made.batch),
        "usage_due_ms": first_check_ms if made.usage_later else None,
        "charged": list(made.charged) or None,
        "created_at_ms": now_ms(),
    }


async def find(session: ReadSession, wanted: Sequence[tuple[str, str]]) -> list[OwnedObject]:
    found: list[OwnedObject] = []
    key = tuple_(OwnedObjectRow.kind, OwnedObjectRow.object_id)
    for start in range(0, len(wanted), _AT_ONCE):
        rows = await session.scalars(select(OwnedObjectRow).where(key.in_(wanted[start : start + _AT_ONCE])))
        found.extend(to_object(row) for row in rows)
    return found


def to_object(row: OwnedObjectRow) -> OwnedObject:
    return OwnedObject(
        row.provider_id,
        row.kind,
        row.object_id,
        Caller(row.key_id, row.key_name, row.user_id, row.department_id),
        row.credential_id,
        None if row.batch is None else msgspec.convert(row.batch, BatchFacts),
        row.usage_due_ms is not None,
    )


async def drop(session: WriteSession, provider_id: str, kind: str, object_id: str) -> None:
    """An object whose usage is still to be asked for is forgotten only once it was."""
    await session.execute(
        delete(OwnedObjectRow).where(
            OwnedObjectRow.provider_id == provider_id,
            OwnedObjectRow.kind == kind,
            OwnedObjectRow.object_id == object_id,
            OwnedObjectRow.usage_due_ms.is_(None),
        )
    )


async def due(session: ReadSession, until_ms: int, limit: int) -> Sequence[OwnedObjectRow]:
    query = select(OwnedObjectRow).where(OwnedObjectRow.usage_due_ms <= until_ms)
    return (await session.scalars(query.order_by(OwnedObjectRow.usage_due_ms).limit(limit))).all()


async def set_due(
    session: WriteSession, provider_id: str, kind: str, object_id: str, due_ms: int | None, *, only_open: bool = False
) -> None:
    """`only_open`: not for one whose usage is known already."""
    query = update(OwnedObjectRow).where(
        OwnedObjectRow.provider_id == provider_id,
        OwnedObjectRow.kind == kind,
        OwnedObjectRow.object_id == object_id,
    )
    if only_open:
        query = query.where(OwnedObjectRow.usage_due_ms.is_not(None))
    await session.execute(query.values(usage_due_ms=due_ms))
