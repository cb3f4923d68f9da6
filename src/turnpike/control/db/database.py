"""The one object that opens sessions, begins and ends transactions, and says whether the database is there."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from turnpike.control.db.audit_log import log_acts
from turnpike.control.db.changes import Versions, log_changes
from turnpike.control.db.engine import is_sqlite, open_engines
from turnpike.control.db.sessions import Changes, ReadSession, WriteSession
from turnpike.settings import Settings

UNREACHABLE = (OperationalError, InterfaceError, PoolTimeout, OSError, TimeoutError)
"""What is raised when the database cannot be reached (a wrong statement raises others)."""

ChangeListener = Callable[[Versions, Changes], None]


class Database:
    """`async with database.read() as session` or `.write()`: one transaction each."""

    def __init__(self, settings: Settings) -> None:
        self.is_sqlite = is_sqlite(settings)
        self.readers, self.writers = open_engines(settings)
        self._listeners: list[ChangeListener] = []
        self._event_listeners: list[Callable[[], None]] = []

    def on_change(self, listener: ChangeListener) -> None:
        """`listener` is called after each commit that relays must hear of; it must not block or raise."""
        self._listeners.append(listener)

    def on_event(self, listener: Callable[[], None]) -> None:
        """`listener` is called after each commit that wrote an event; it must not block or raise."""
        self._event_listeners.append(listener)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadSession]:
        """All of its statements see the same state of the database."""
        bind = self.readers
        if not self.is_sqlite:
            bind = bind.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        async with ReadSession(bind, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteSession]:
        """Commits at the end, with the entries of the change log and of the audit log; rolls back on any exception."""
        async with WriteSession(self.writers, expire_on_commit=False) as session:
            yield session
            await session.flush()
            versions = await log_changes(session)
            act = await log_acts(session)
            await session.commit()
        if act is not None:
            act.recorded += 1
        if versions is not None:
            for listener in self._listeners:
                listener(versions, session.changes)
        if session.emitted:
            for wake in self._event_listeners:
                wake()

    async def ping(self) -> None:
        """Raises one of UNREACHABLE when the database does not answer."""
        async with self.readers.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.readers.dispose()
        if self.writers is not self.readers:
            await self.writers.dispose()
