"""Chains what was refused or failed, a batch at a time: administration, which waits in a spool for a second, and the
refused model calls that the drain left in a table.

Both outlive the process. What the spool cannot take (a flood, a full disk) waits in memory, put together, instead.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import msgspec
import structlog
from sqlalchemy import delete, exists, insert, select
from sqlalchemy.exc import IntegrityError

from turnpike.control.audit.entries import Draft
from turnpike.control.audit.refusals import Refusal, draft_of, merge
from turnpike.control.audit.spool import Spool
from turnpike.control.background import Background
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import AuditMark, AuditWaiting

EVERY_S = 1.0
AT_ONCE = 200
MOST = 5_000
"""Different refusals kept in memory; beyond that they are only counted, without address and object."""
log = structlog.get_logger()


class RefusalLog(Background):
    """A runner: `start` and `stop`. `note` may be called from the event loop at any time; it never raises."""

    task_name = "audit refusals"

    def __init__(self, database: Database, folder: Path, every_s: float = EVERY_S) -> None:
        self._database = database
        self._spool = Spool(folder)
        self._every_s = every_s
        self._noted: dict[tuple[object, ...], Draft] = {}
        self._chained: list[str] = []
        """Spools that are gone, and whose marks may go."""

    def note(self, draft: Draft) -> None:
        if not self._spool.append(draft):
            _add(self._noted, draft)

    # ---- the runner

    async def stop(self) -> None:
        await super().stop()
        with contextlib.suppress(*UNREACHABLE):
            await self.flush()
        self._spool.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.flush()
            except UNREACHABLE as error:
                log.debug("refusals_wait", error_type=type(error).__name__)

    async def flush(self) -> int:
        """Chains what is there; returns how many entries it became. Raises UNREACHABLE, and then nothing is lost."""
        count = await self._flush_spool() + await self._flush_noted()
        async with self._database.read() as session:
            waiting = (await session.scalars(select(AuditWaiting.id).limit(1))).first()
        while waiting is not None:
            made = await self._flush_waiting()
            count += made
            if not made:
                break
        return count

    async def _flush_spool(self) -> int:
        count = 0
        for source, path, drafts in self._spool.take():
            # Another process may take over the same orphan at the same moment: its mark is there first.
            with contextlib.suppress(IntegrityError):
                count += await self._chain(source, drafts)
            self._spool.done(path)
            self._chained.append(source)
        return count

    async def _chain(self, source: str, drafts: Iterable[Draft]) -> int:
        """A spool whose process was killed between the commit and its end is known by its mark."""
        together: dict[tuple[object, ...], Draft] = {}
        for draft in drafts:
            _add(together, draft)
        if not together:
            return 0
        async with self._database.write() as session:
            if (await session.execute(select(exists().where(AuditMark.source == source)))).scalar_one():
                return 0
            if self._chained:
                await session.execute(delete(AuditMark).where(AuditMark.source.in_(self._chained)))
            await session.execute(insert(AuditMark).values(source=source, number=len(together)))
            session.audit.extend(together.values())
        self._chained.clear()
        return len(together)

    async def _flush_noted(self) -> int:
        noted, self._noted = self._noted, {}
        if not noted:
            return 0
        try:
            async with self._database.write() as session:
                session.audit.extend(noted.values())
        except UNREACHABLE:
            for draft in noted.values():
                _add(self._noted, draft)
            raise
        return len(noted)

    async def _flush_waiting(self) -> int:
        """Several processes may be at it: each takes other rows."""
        query = select(AuditWaiting).order_by(AuditWaiting.id).limit(AT_ONCE).with_for_update(skip_locked=True)
        async with self._database.write() as session:
            rows = (await session.scalars(query)).all()
            if not rows:
                return 0
            refusals = merge(msgspec.json.decode(row.refusal, type=Refusal) for row in rows)
            session.audit.extend(draft_of(refusal) for refusal in refusals)
            await session.execute(delete(AuditWaiting).where(AuditWaiting.id.in_([row.id for row in rows])))
        return len(refusals)


def _add(together: dict[tuple[object, ...], Draft], draft: Draft) -> None:
    """Like ones become one with a count."""
    alike = _alike(draft)
    if alike not in together and len(together) >= MOST:
        draft = replace(draft, personal={}, object_id=None, actor_id=None, key_id=None, request_id=None)
        alike = _alike(draft)
    known = together.get(alike)
    together[alike] = draft if known is None else replace(known, count=known.count + draft.count)


def _alike(draft: Draft) -> tuple[object, ...]:
    return (
        draft.action,
        draft.outcome,
        draft.error_code,
        draft.actor_kind,
        draft.actor_id,
        draft.key_id,
        draft.object_kind,
        draft.object_id,
        draft.personal.get("address"),
    )
