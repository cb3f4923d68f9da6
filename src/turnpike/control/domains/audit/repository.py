"""Queries on the audit log. Never commits."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, delete, exists, func, insert, literal, or_, select

from turnpike.control.audit.chain import FIELDS, Entry, Personal
from turnpike.control.audit.signing import CUT, Checkpoint
from turnpike.control.db.models import AuditCheckpoint, AuditEntry, AuditErasure, AuditHead, AuditPersonal
from turnpike.control.db.scoped import within
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.rights.policy import Scope
from turnpike.kit.pagination import Page, escape_like

_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_COLUMNS = tuple(getattr(AuditEntry, name) for name in FIELDS)


@dataclass(frozen=True)
class EntryFilter:
    action: str | None = None
    """`*` at the end stands for anything."""
    actor_kind: str | None = None
    actor_id: str | None = None
    key_id: str | None = None
    department_id: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    request_id: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None


class Told(NamedTuple):
    """Entries that tell of somebody, and where to go on; None: there are no more."""

    seqs: list[int]
    reached: int | None


@dataclass(frozen=True)
class Stored:
    """An entry, what is left of its personal data, and whether some was erased."""

    entry: Entry
    personal: Personal | None
    erased: bool


def _query() -> Select[*tuple[Any, ...]]:
    columns: Sequence[Any] = (*_COLUMNS, AuditPersonal.salt, AuditPersonal.data, AuditErasure.seq.label("erased_seq"))
    return (
        select(*columns)
        .select_from(AuditEntry)
        .outerjoin(AuditPersonal, AuditPersonal.seq == AuditEntry.seq)
        .outerjoin(AuditErasure, AuditErasure.seq == AuditEntry.seq)
    )


def _stored(row: Any) -> Stored:
    values = tuple(row)
    count = len(FIELDS)
    salt, data, erased = values[count:]
    return Stored(Entry(*values[:count]), None if salt is None else Personal(salt, data), erased is not None)


def _matching(wanted: EntryFilter) -> list[Any]:
    conditions: list[Any] = []
    for name in ("actor_kind", "actor_id", "key_id", "department_id", "object_kind", "object_id", "outcome",
                 "request_id"):  # fmt: skip
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(getattr(AuditEntry, name) == value)
    if wanted.action is not None and wanted.action.endswith("*"):
        conditions.append(AuditEntry.action.like(escape_like(wanted.action[:-1]) + "%", escape="\\"))
    elif wanted.action is not None:
        conditions.append(AuditEntry.action == wanted.action)
    if wanted.since_ms is not None:
        conditions.append(AuditEntry.at_ms >= wanted.since_ms)
    if wanted.until_ms is not None:
        conditions.append(AuditEntry.at_ms < wanted.until_ms)
    return conditions


async def entries(
    session: ReadSession, scope: Scope, wanted: EntryFilter, page: Page, *, newest_first: bool
) -> tuple[list[Stored], int]:
    conditions = [within(scope, AuditEntry), *_matching(wanted)]
    total = (await session.execute(select(func.count()).select_from(AuditEntry).where(*conditions))).scalar_one()
    order = AuditEntry.seq.desc() if newest_first else AuditEntry.seq.asc()
    query = _query().where(*conditions).order_by(order).limit(page.per_page).offset(page.offset)
    return [_stored(row) for row in (await session.execute(query)).all()], total


async def entry(session: ReadSession, scope: Scope, seq: int) -> Stored | None:
    row = (await session.execute(_query().where(AuditEntry.seq == seq, within(scope, AuditEntry)))).first()
    return None if row is None else _stored(row)


async def after(session: ReadSession, seq: int, until: int, limit: int) -> list[Stored]:
    """The next entries of the chain, in its order."""
    query = _query().where(AuditEntry.seq > seq, AuditEntry.seq <= until).order_by(AuditEntry.seq).limit(limit)
    return [_stored(row) for row in (await session.execute(query)).all()]


async def head(session: ReadSession, *, lock: bool = False) -> tuple[int, str]:
    query = select(AuditHead.seq, AuditHead.hash).where(AuditHead.id == 1)
    row = (await session.execute(query.with_for_update() if lock else query)).one()
    return row.seq, row.hash


async def seq_before(session: ReadSession, at_ms: int) -> int:
    """The last entry before the first that is not older than this; of a chain that is older throughout, its end."""
    first = (await session.execute(select(func.min(AuditEntry.seq)).where(AuditEntry.at_ms >= at_ms))).scalar_one()
    return (await head(session))[0] if first is None else first - 1


# ---- checkpoints


def checkpoint_of(row: AuditCheckpoint) -> Checkpoint:
    kind: Any = row.kind
    return Checkpoint(kind, row.seq, row.hash, row.at_ms, row.public_key, row.signature)


async def checkpoints(session: ReadSession, first: int, last: int) -> list[Checkpoint]:
    query = select(AuditCheckpoint).where(AuditCheckpoint.seq.between(first, last))
    rows = (await session.scalars(query.order_by(AuditCheckpoint.seq, AuditCheckpoint.kind))).all()
    return [checkpoint_of(row) for row in rows]


async def newest_checkpoint(session: ReadSession, kind: str) -> Checkpoint | None:
    query = select(AuditCheckpoint).where(AuditCheckpoint.kind == kind).order_by(AuditCheckpoint.seq.desc()).limit(1)
    row = (await session.scalars(query)).first()
    return None if row is None else checkpoint_of(row)


async def heads(session: ReadSession, page: Page) -> tuple[list[Checkpoint], int]:
    total = (await session.execute(select(func.count()).select_from(AuditCheckpoint))).scalar_one()
    query = select(AuditCheckpoint).order_by(AuditCheckpoint.seq.desc(), AuditCheckpoint.kind)
    rows = (await session.scalars(query.limit(page.per_page).offset(page.offset))).all()
    return [checkpoint_of(row) for row in rows], total


async def put(session: WriteSession, checkpoint: Checkpoint) -> None:
    """Once: a second one of the same entry and kind says nothing new."""
    query = select(exists().where(AuditCheckpoint.seq == checkpoint.seq, AuditCheckpoint.kind == checkpoint.kind))
    if not (await session.execute(query)).scalar_one():
        values = {name: getattr(checkpoint, name) for name in checkpoint.__struct_fields__}
        await session.execute(insert(AuditCheckpoint.__table__), [values])  # pyright: ignore[reportArgumentType] - a Table, typed as FromClause


# ---- what is removed


async def erase(session: WriteSession, condition: Any, now_ms: int) -> int:
    """Removes the personal data of the entries that meet a condition, and says so. Returns of how many."""
    meant = select(AuditEntry.seq).join(AuditPersonal, AuditPersonal.seq == AuditEntry.seq).where(condition)
    table: Any = AuditErasure.__table__
    source = select(AuditEntry.seq, literal(now_ms)).where(
        AuditEntry.seq.in_(meant), ~exists().where(AuditErasure.seq == AuditEntry.seq)
    )
    await session.execute(insert(table).from_select(["seq", "erased_at_ms"], source))
    personal: Any = AuditPersonal.__table__
    done = await session.execute(delete(personal).where(personal.c.seq.in_(select(table.c.seq))))
    return int(getattr(done, "rowcount", 0))


def of_person(user_id: str) -> Any:
    """Entries that may tell of somebody: what they did, and what was done to their account."""
    return or_(AuditEntry.actor_id == user_id, and_(AuditEntry.object_kind == "user", AuditEntry.object_id == user_id))


async def told_of(session: ReadSession, ids: frozenset[str], email: str | None, after: int, limit: int) -> Told:
    """Looks through the next entries for any of a person's ids, and for their e-mail."""
    query = (
        select(AuditEntry.seq, AuditEntry.changes, AuditPersonal.data)
        .outerjoin(AuditPersonal, AuditPersonal.seq == AuditEntry.seq)
        .where(AuditEntry.seq > after)
        .order_by(AuditEntry.seq)
        .limit(limit)
    )
    rows = (await session.execute(query)).all()
    quoted = f'"{email}"' if email else None
    found = [
        row.seq
        for row in rows
        if not ids.isdisjoint(_ID.findall(f"{row.changes or ''} {row.data or ''}"))
        or (quoted is not None and quoted in (row.data or ""))
    ]
    return Told(found, rows[-1].seq if len(rows) == limit else None)


async def at(session: ReadSession, seqs: Sequence[int]) -> list[Stored]:
    query = _query().where(AuditEntry.seq.in_(seqs)).order_by(AuditEntry.seq)
    return [_stored(row) for row in (await session.execute(query)).all()]


async def seqs_of_person(session: ReadSession, user_id: str) -> list[int]:
    return [*await session.scalars(select(AuditEntry.seq).where(of_person(user_id)))]


def with_seqs(seqs: Sequence[int]) -> Any:
    return AuditEntry.seq.in_(seqs)


def older_than(at_ms: int) -> Any:
    return AuditEntry.at_ms < at_ms


async def remove_cut(session: WriteSession, limit: int) -> int:
    """Removes some of what lies before the newest cut; returns how many entries."""
    cut = await newest_checkpoint(session, CUT)
    if cut is None:
        return 0
    query = select(AuditEntry.seq).where(AuditEntry.seq <= cut.seq).order_by(AuditEntry.seq).limit(limit)
    seqs = (await session.scalars(query)).all()
    if not seqs:
        return 0
    for model in (AuditPersonal, AuditErasure, AuditEntry):
        table: Any = model.__table__
        await session.execute(delete(table).where(table.c.seq >= seqs[0], table.c.seq <= seqs[-1]))
    return len(seqs)
