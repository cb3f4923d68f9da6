"""Engines: how a connection is made to SQLite or PostgreSQL, and nothing about what is asked over it.

* SQLite: WAL, foreign keys on, a busy timeout; readers may not write (`query_only`), the one writer begins with
  `BEGIN IMMEDIATE`, so a transaction that will write never fails half-way because another one wrote first.
* PostgreSQL (postgres.py, loaded only where it is used): statements are unnamed and no cache of prepared ones is kept,
  so that PgBouncer may give every transaction another server connection. The address is libpq's (with `sslmode`,
  `sslrootcert`, `host`, ...) and read by asyncpg itself: TLS is asked for there.
"""

from importlib import import_module
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from turnpike.settings import Settings

BUSY_TIMEOUT_MS = 10_000
SQLITE_READERS = 4
_POSTGRES = "postgresql+asyncpg://"
_POSTGRES_MODULE = "turnpike.control.db.postgres"
"""An embedded gateway starts without the driver and the dialect that it does not use."""
_QUIET: dict[str, Any] = {"hide_parameters": True}
"""A statement's parameters hold digests and sealed secrets: an error never shows them."""


def is_sqlite(settings: Settings) -> bool:
    return settings.database_address().startswith("sqlite")


def open_engines(settings: Settings) -> tuple[AsyncEngine, AsyncEngine]:
    """Returns the readers' and the writers' engine (one and the same for PostgreSQL). Nothing is connected yet."""
    address = settings.database_address()
    if address.startswith(_POSTGRES):
        engine = import_module(_POSTGRES_MODULE).open_engine(settings, address)
        return engine, engine
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_TIMEOUT_MS / 1000}, **_QUIET}
    readers = create_async_engine(address, pool_size=SQLITE_READERS, max_overflow=SQLITE_READERS, **options)
    writers = create_async_engine(
        address, pool_size=1, max_overflow=0, pool_timeout=settings.database_pool_timeout_s, **options
    )
    _prepare_sqlite(readers, begin="BEGIN", pragmas=("PRAGMA query_only = ON",))
    _prepare_sqlite(
        writers,
        begin="BEGIN IMMEDIATE",
        pragmas=("PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA foreign_keys = ON"),
    )
    return readers, writers


def open_migration_engine(settings: Settings) -> AsyncEngine:
    """One connection, and on SQLite without foreign keys: a batch migration re-creates tables, which would otherwise
    delete what refers to them."""
    address = settings.database_address()
    if address.startswith(_POSTGRES):
        return import_module(_POSTGRES_MODULE).open_engine(settings, address, pooled=False)
    engine = create_async_engine(address, poolclass=NullPool, **_QUIET)
    _prepare_sqlite(engine, begin="BEGIN IMMEDIATE", pragmas=("PRAGMA journal_mode = WAL", "PRAGMA foreign_keys = OFF"))
    return engine


def _prepare_sqlite(engine: AsyncEngine, *, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # Transactions are begun by us: the driver would begin them late, and never as IMMEDIATE.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}", *pragmas):
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)
