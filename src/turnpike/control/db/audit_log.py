"""Writes entries of the audit log in the transaction of the change that they speak of. Reads nothing of the log.

The head's row is locked last, just before the commit, and by everyone in the same order: first the change log's row,
then this one.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import insert, select, update

from turnpike.control.audit.chain import Entry, link
from turnpike.control.audit.entries import Act, Draft, current_act
from turnpike.control.db.models.audit import AuditEntry, AuditHead, AuditPersonal
from turnpike.control.db.recording import made_by
from turnpike.control.db.sessions import WriteSession
from turnpike.kit.clock import now_ms

ENTRIES: Any = AuditEntry.__table__
PERSONAL: Any = AuditPersonal.__table__
HEAD: Any = AuditHead.__table__


async def log_acts(session: WriteSession) -> Act | None:
    """Chains the entry of the request that is being served, if one is that may change something, and those that the
    session was given. Returns that request's act."""
    drafts = list(session.audit)
    act = current_act.get()
    if act is not None and act.audited():
        drafts.append(act.draft(now_ms(), made_by(session.sync_session)))
    if drafts:
        await append(session, drafts)
    return act


async def append(session: WriteSession, drafts: Sequence[Draft]) -> None:
    """Holds the head's lock until the transaction ends: called last."""
    query = select(HEAD.c.seq, HEAD.c.hash).where(HEAD.c.id == 1).with_for_update()
    seq, previous = (await session.execute(query)).one()
    entries: list[Entry] = []
    personal: list[dict[str, Any]] = []
    for draft in drafts:
        seq += 1
        entry, kept = link(draft, seq, previous)
        entries.append(entry)
        previous = entry.hash
        if kept is not None:
            personal.append({"seq": seq, "salt": kept.salt, "data": kept.data})
    await session.execute(insert(ENTRIES), [msgspec.structs.asdict(entry) for entry in entries])
    if personal:
        await session.execute(insert(PERSONAL), personal)
    await session.execute(update(HEAD).where(HEAD.c.id == 1).values(seq=seq, hash=previous))
