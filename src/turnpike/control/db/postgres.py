"""Engines for PostgreSQL (see engine.py for the rules)."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from turnpike.errors import ConfigurationError
from turnpike.settings import Settings

CONNECT_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 60.0
_POSTGRES = "postgresql+asyncpg://"
_AWAY = ("08", "53", "57P")
"""Beginnings of the SQLSTATEs of a server that is gone, has no resources left, stops or starts."""


def open_engine(settings: Settings, address: str, *, pooled: bool = True) -> AsyncEngine:
    _check_files(address)
    pool: dict[str, Any] = {"poolclass": NullPool}
    if pooled:
        pool = {
            "pool_size": settings.database_pool_size,
            "max_overflow": settings.database_max_overflow,
            "pool_timeout": settings.database_pool_timeout_s,
            "pool_pre_ping": True,
        }
    engine = create_async_engine(
        _POSTGRES,
        connect_args={
            "async_creator_fn": _connector("postgresql://" + address[len(_POSTGRES) :]),
            "prepared_statement_cache_size": 0,
            "prepared_statement_name_func": lambda: "",
        },
        hide_parameters=True,
        **pool,
    )
    event.listen(engine.sync_engine, "handle_error", _told_as_away)
    return engine


def _told_as_away(context: ExceptionContext) -> OperationalError | None:
    """A server that stops while it is asked: the dialect has no class of its own for that."""
    state = str(getattr(context.original_exception, "sqlstate", None) or "")
    if not context.is_disconnect and not state.startswith(_AWAY):
        return None
    return OperationalError(
        context.statement,
        None,
        context.original_exception,
        hide_parameters=True,
        connection_invalidated=context.is_disconnect,
    )


def _check_files(address: str) -> None:
    """A missing certificate would look like a database that is away."""
    query = parse_qs(urlsplit(address).query)
    for option in ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile"):
        for path in query.get(option, ()):
            if not Path(path).is_file():
                raise ConfigurationError(f"TURNPIKE_DATABASE_URL: {option} names {path}, and there is no such file")


def _connector(dsn: str) -> Callable[[], Awaitable[asyncpg.Connection]]:
    async def connect() -> asyncpg.Connection:
        try:
            return await asyncpg.connect(
                dsn,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                statement_cache_size=0,
                server_settings={"application_name": "turnpike"},
            )
        except (ValueError, asyncpg.ClientConfigurationError) as error:
            raise ConfigurationError(f"TURNPIKE_DATABASE_URL cannot be used: {error}") from error
        except asyncpg.PostgresError as error:
            # It refuses us while it starts or stops, is full, does not know this password or this database.
            raise ConnectionRefusedError(f"{type(error).__name__}: {error}") from error

    return connect
