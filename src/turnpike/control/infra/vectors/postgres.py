"""Vectors in PostgreSQL, compared by pgvector.

Extension and table are made when they are first needed and not by a migration: a database without pgvector serves
everything else, and what is in the table can be made again. It is not logged, and empty after a crash of the database.
"""

import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from turnpike.control.db.database import UNREACHABLE, Database
from turnpike.control.infra.vectors import SPACE_LIMIT, Near, VectorsUnreachable
from turnpike.kit.clock import now_ms

_LOCK = 7_205_001
"""Two processes that begin at the same time: an extension is not made twice without an error."""
_SETUP = (
    f"SELECT pg_advisory_xact_lock({_LOCK})",
    "CREATE EXTENSION IF NOT EXISTS vector",
    "CREATE UNLOGGED TABLE IF NOT EXISTS cache_vectors (key BYTEA PRIMARY KEY, space BYTEA NOT NULL,"
    " size INTEGER NOT NULL, vector VECTOR NOT NULL, made_at_ms BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS cache_vectors_space ON cache_vectors (space, size, made_at_ms)",
    "CREATE INDEX IF NOT EXISTS cache_vectors_expires ON cache_vectors (expires_at_ms)",
)
_PUT = text("""
INSERT INTO cache_vectors VALUES (:key, :space, :size, CAST(CAST(:vector AS TEXT) AS VECTOR), :now, :expires)
ON CONFLICT (key) DO UPDATE SET space = excluded.space, size = excluded.size, vector = excluded.vector,
  made_at_ms = excluded.made_at_ms, expires_at_ms = excluded.expires_at_ms
""")
_NEAREST = text("""
SELECT key, 1 - (vector <=> CAST(CAST(:vector AS TEXT) AS VECTOR)) AS similarity FROM cache_vectors
WHERE space = :space AND size = :size AND expires_at_ms > :now ORDER BY similarity DESC LIMIT 1
""")
_TRIM = text("""
DELETE FROM cache_vectors WHERE key IN
  (SELECT key FROM cache_vectors WHERE space = :space ORDER BY made_at_ms DESC OFFSET :limit)
""")


class PostgresVectors:
    def __init__(
        self, database: Database, clock_ms: Callable[[], int] = now_ms, space_limit: int = SPACE_LIMIT
    ) -> None:
        self._database = database
        self._now_ms = clock_ms
        self._space_limit = space_limit
        self._is_ready = False

    async def put(self, space: bytes, key: bytes, vector: bytes, expires_at_ms: int) -> None:
        values = {"key": key, "space": space, "size": len(vector), "vector": _written(vector), "expires": expires_at_ms}
        now = self._now_ms()
        async with self._connected() as connection:
            await connection.execute(text("DELETE FROM cache_vectors WHERE expires_at_ms <= :now"), {"now": now})
            await connection.execute(_PUT, {**values, "now": now})
            await connection.execute(_TRIM, {"space": space, "limit": self._space_limit})

    async def nearest(self, space: bytes, vector: bytes) -> Near | None:
        values = {"space": space, "size": len(vector), "vector": _written(vector), "now": self._now_ms()}
        async with self._connected() as connection:
            row = (await connection.execute(_NEAREST, values)).first()
        return None if row is None else Near(bytes(row.key), float(row.similarity))

    async def drop(self, key: bytes) -> None:
        async with self._connected() as connection:
            await connection.execute(text("DELETE FROM cache_vectors WHERE key = :key"), {"key": key})

    async def clear(self) -> None:
        async with self._connected() as connection:
            await connection.execute(text("TRUNCATE cache_vectors"))

    async def close(self) -> None:
        """The database is not ours."""

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._database.write() as session:
                connection = await session.connection()
                if not self._is_ready:
                    for statement in _SETUP:
                        await connection.execute(text(statement))
                yield connection
            self._is_ready = True
        except (SQLAlchemyError, *UNREACHABLE) as error:
            raise VectorsUnreachable("Questions cannot be compared at the moment.") from error


def _written(vector: bytes) -> str:
    """pgvector's text form."""
    return "[" + ",".join(map(repr, struct.unpack(f"<{len(vector) // 4}f", vector))) + "]"
