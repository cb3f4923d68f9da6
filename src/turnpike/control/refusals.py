"""Chains what was refused, a batch at a time: refused administration and bad keys, put together in memory for a second,
and the refused model calls that the drain left beside the ledger.

What waits in memory is lost with the process; what waits in the database is not.
"""

import asyncio
import contextlib
from dataclasses import replace

import msgspec
import structlog
from sqlalchemy import delete, select

from turnpike.contract.refusals import RefusalsSeen
from turnpike.control.audit.entries import ANONYMOUS, REFUSED, Draft
from turnpike.control.audit.refusals import ACTION, Refusal, draft_of, merge
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.db.models import AuditWaiting
from turnpike.kit.clock import now_ms

EVERY_S = 1.0
AT_ONCE = 200
MOST = 5_000
"""Different refusals kept in memory; beyond that they are only counted, without address and object."""
log = structlog.get_logger()


class RefusalLog:
    """A runner: `start` and `stop`. `note` may be called from the event loop at any time; it never blocks or raises."""

    def __init__(self, database: Database, every_s: float = EVERY_S) -> None:
        self._database = database
        self._every_s = every_s
        self._noted: dict[tuple[object, ...], Draft] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, draft: Draft) -> None:
        alike = _alike(draft)
        if alike not in self._noted and len(self._noted) >= MOST:
            draft = replace(draft, personal={}, object_id=None, actor_id=None, key_id=None, request_id=None)
            alike = _alike(draft)
        known = self._noted.get(alike)
        self._noted[alike] = draft if known is None else replace(known, count=known.count + draft.count)

    def seen(self, message: RefusalsSeen) -> None:
        """What a relay refused before it knew who was calling."""
        for one in message.seen:
            self.note(
                Draft(
                    action=ACTION,
                    at_ms=now_ms(),
                    outcome=REFUSED,
                    error_code=one.code,
                    actor_kind=ANONYMOUS,
                    count=one.count,
                    personal={"address": one.address} if one.address else {},
                )
            )

    # ---- the runner

    async def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="audit refusals")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(*UNREACHABLE):
            await self.flush()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            try:
                await self.flush()
            except UNREACHABLE as error:
                log.debug("refusals_wait", error_type=type(error).__name__)

    async def flush(self) -> int:
        """Chains what is there; returns how many entries it became. Raises UNREACHABLE, and then nothing is lost."""
        count = await self._flush_noted()
        async with self._database.read() as session:
            waiting = (await session.scalars(select(AuditWaiting.id).limit(1))).first()
        while waiting is not None:
            made = await self._flush_waiting()
            count += made
            if not made:
                break
        return count

    async def _flush_noted(self) -> int:
        noted, self._noted = self._noted, {}
        if not noted:
            return 0
        try:
            async with self._database.write() as session:
                session.audit.extend(noted.values())
        except UNREACHABLE:
            for draft in noted.values():
                self.note(draft)
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
