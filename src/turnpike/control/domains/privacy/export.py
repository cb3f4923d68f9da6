"""Everything that is held about a person, as one JSON document, written while it is read.

Secrets are left out, and what tells of somebody else: in entries of the audit log the name and address of who acted
stand only where that was the person themselves.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec

from turnpike.control.audit.chain import Entry, Personal
from turnpike.control.db.database import Database
from turnpike.control.domains.audit import service as audit
from turnpike.control.domains.ledger import export as ledger
from turnpike.control.domains.ledger.repository import RowFilter
from turnpike.control.domains.privacy import erasure, repository
from turnpike.control.rights.policy import everything
from turnpike.errors import NotFound
from turnpike.kit.clock import from_ms, rfc3339, utc_now

FORMAT = "turnpike-person-1"
CHUNK = 500
_encode = msgspec.json.Encoder().encode
Values = dict[str, Any]


async def export(database: Database, user_id: str) -> AsyncIterator[bytes]:
    """Parts of the document. The first is read before anything is yielded: it raises NotFound."""
    async with database.read() as session:
        profile = await repository.person(session, user_id)
        if profile is None:
            raise NotFound(f"There is no user {user_id}.")
        parts = await repository.small_parts(session, user_id, profile["email"])
    head: Values = {"format": FORMAT, "exported_at": rfc3339(utc_now()), "profile": shown(profile)}
    head |= {name: [shown(row) for row in rows] for name, rows in parts.items()}
    yield _encode(head)[:-1]
    for name, lists in (
        ("calls", _calls(database, user_id)),
        ("guard_decisions", _decisions(database, user_id)),
        ("audit_entries", _entries(database, user_id)),
    ):
        yield b',"' + name.encode() + b'":['
        first = True
        async for part in lists:
            yield part if first else b"," + part
            first = False
        yield b"]"
    yield b"}\n"


def shown(values: Values) -> Values:
    """Times as RFC 3339, without their unit in the name."""
    found: Values = {}
    for name, value in values.items():
        is_time = name.endswith("_at_ms") or name == "at_ms"
        moment: datetime | None = from_ms(value) if is_time and value is not None else None
        found[name.removesuffix("_ms") if is_time else name] = rfc3339(moment) if moment else value
    return found


async def _calls(database: Database, user_id: str) -> AsyncIterator[bytes]:
    async for lines in ledger.export(database, everything("one person's"), RowFilter(user_id=user_id), "ndjson"):
        if lines:
            yield lines.rstrip(b"\n").replace(b"\n", b",")


async def _decisions(database: Database, user_id: str) -> AsyncIterator[bytes]:
    after: tuple[bytes, int, int] | None = None
    while True:
        async with database.read() as session:
            rows, after = await repository.decisions_after(session, user_id, after, CHUNK)
        if rows:
            yield b",".join(_encode(shown(row)) for row in rows)
        if after is None:
            return


async def _entries(database: Database, user_id: str) -> AsyncIterator[bytes]:
    seqs = await erasure.entries_about(database, everything("one person's"), user_id)
    for start in range(0, len(seqs), CHUNK):
        async with database.read() as session:
            found = await audit.entries_at(session, seqs[start : start + CHUNK])
            ids = await repository.ids_of(session, user_id, None)
        if found:
            yield b",".join(_encode(_entry(each.entry, each.personal, user_id, ids)) for each in found)


def _entry(entry: Entry, personal: Personal | None, user_id: str, ids: frozenset[str]) -> Values:
    own = entry.actor_id == user_id
    held: Values = msgspec.json.decode(personal.data) if personal is not None else {}
    values = [each for each in held.get("values") or () if each.get("id") in ids or own]
    return {
        "seq": entry.seq,
        "at": rfc3339(from_ms(entry.at_ms)),
        "action": entry.action,
        "outcome": entry.outcome,
        "error_code": entry.error_code,
        "by_this_person": own,
        "object_kind": entry.object_kind,
        "object_id": entry.object_id,
        "request_id": entry.request_id,
        "count": entry.count,
        "changes": msgspec.json.decode(entry.changes) if entry.changes else None,
        "actor": held.get("actor") if own else None,
        "address": held.get("address") if own else None,
        "values": values or None,
    }
