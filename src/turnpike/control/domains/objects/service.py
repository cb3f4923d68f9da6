"""Answers relays that ask or tell whose an object is."""

from collections.abc import Callable

import structlog

from turnpike.contract.messages import ToRelay
from turnpike.contract.objects import (
    DropObject,
    FindObjects,
    KeepObjects,
    ObjectSeen,
    ObjectsFound,
    ObjectsKept,
)
from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.domains.budgets import late
from turnpike.control.domains.objects import repository
from turnpike.kit.clock import now_ms

FIRST_CHECK_MS = 60_000
"""Until a new batch's provider is first asked whether it has ended."""
ObjectMessage = KeepObjects | DropObject | FindObjects | ObjectSeen

log = structlog.get_logger()


class ObjectDesk:
    """`when_ended` is called after something that is owed a row in the ledger was seen to have ended."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.when_ended: Callable[[], None] | None = None

    async def answer(self, message: ObjectMessage) -> ToRelay | None:
        """What the relay is told; None when it waits for nothing."""
        try:
            return await self._answer(message)
        except UNREACHABLE as error:
            log.warning("objects_not_reached", error_type=type(error).__name__)
            if isinstance(message, FindObjects):
                return ObjectsFound(message.id, None)
            return None if isinstance(message, ObjectSeen) else ObjectsKept(message.id, ok=False)

    async def _answer(self, message: ObjectMessage) -> ToRelay | None:
        match message:
            case FindObjects():
                async with self._database.read() as session:
                    return ObjectsFound(message.id, tuple(await repository.find(session, message.wanted)))
            case KeepObjects():
                async with self._database.write() as session:
                    await repository.keep(
                        session,
                        message.objects,
                        first_check_ms=now_ms() + FIRST_CHECK_MS,
                        is_sqlite=self._database.is_sqlite,
                    )
                    await late.hold(session, message.objects, is_sqlite=self._database.is_sqlite)
                return ObjectsKept(message.id, ok=True)
            case DropObject():
                async with self._database.write() as session:
                    await repository.drop(session, message.provider_id, message.kind, message.object_id)
                return ObjectsKept(message.id, ok=True)
            case ObjectSeen():
                async with self._database.write() as session:
                    await repository.set_due(
                        session, message.provider_id, message.kind, message.object_id, now_ms(), only_open=True
                    )
                if self.when_ended is not None:
                    self.when_ended()
                return None
