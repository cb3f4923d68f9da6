"""The change log: written in the same transaction as the change, read by every control process four times a second."""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update

from turnpike.control.db.models.keys import ApiKey
from turnpike.control.db.models.signin import Session
from turnpike.control.db.models.state import Change, Meta
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.kit.clock import now_ms

KEEP_CHANGES_MS = 3600 * 1000


@dataclass(frozen=True)
class Versions:
    version: int
    snapshot_version: int


async def log_changes(session: WriteSession) -> Versions | None:
    """Gives the session's changes a version; None when relays need not hear of it. Called last, because the row's
    lock is held until the commit."""
    changes = session.changes
    if not changes.any:
        return None
    if changes.user_ids:
        # Sessions call as keys do, under their own ids, and who comes with an issuer's token under the person's.
        changes.keys(changes.user_ids)
        for owned in (ApiKey, Session):
            changes.keys(await session.scalars(select(owned.id).where(owned.user_id.in_(changes.user_ids))))
    raised = {"version": Meta.version + 1}
    if changes.snapshot:
        raised["snapshot_version"] = Meta.version + 1
    statement = update(Meta).where(Meta.id == 1).values(raised).returning(Meta.version, Meta.snapshot_version)
    row = (await session.execute(statement)).one()
    entry = {
        "version": row.version,
        "snapshot": changes.snapshot,
        "key_ids": changes.key_ids,
        "made_at_ms": now_ms(),
    }
    await session.execute(insert(Change).values(entry))
    return Versions(row.version, row.snapshot_version)


async def read_versions(session: ReadSession) -> Versions:
    row = (await session.execute(select(Meta.version, Meta.snapshot_version).where(Meta.id == 1))).one()
    return Versions(row.version, row.snapshot_version)


async def changed_keys(session: ReadSession, after: int, until: int) -> list[str] | None:
    """Keys whose grants changed in the versions after `after` up to `until`; None: any may have, or the log does not
    reach back that far."""
    query = select(Change.key_ids).where(Change.version > after, Change.version <= until)
    rows = (await session.scalars(query)).all()
    if len(rows) < until - after:
        return None
    keys: set[str] = set()
    for key_ids in rows:
        if key_ids is None:
            return None
        keys.update(key_ids)
    return sorted(keys)


async def forget_old_changes(session: WriteSession) -> None:
    await session.execute(delete(Change).where(Change.made_at_ms < now_ms() - KEEP_CHANGES_MS))
