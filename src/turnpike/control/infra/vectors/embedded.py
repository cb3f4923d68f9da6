"""Vectors in a SQLite file of their own, compared by sqlite-vec.

Through APSW, which brings a SQLite that loads extensions: Python's own is often built without. Exact, not approximate:
a space holds few questions, and an index over all of them would not help one.
"""

from collections.abc import Callable
from pathlib import Path

import apsw
import sqlite_vec

from turnpike.control.infra.threads import OneThread
from turnpike.control.infra.vectors import SPACE_LIMIT, Near, VectorsUnreachable
from turnpike.kit.clock import now_ms

_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
  key BLOB PRIMARY KEY, space BLOB NOT NULL, size INTEGER NOT NULL, vector BLOB NOT NULL, made_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS spaces ON vectors (space, size, made_at_ms);
CREATE INDEX IF NOT EXISTS expiring ON vectors (expires_at_ms);
"""
_NEAREST = """
SELECT key, 1 - vec_distance_cosine(vector, ?1) AS similarity FROM vectors
WHERE space = ?2 AND size = ?3 AND expires_at_ms > ?4 ORDER BY similarity DESC LIMIT 1
"""
_TRIM = """
DELETE FROM vectors WHERE key IN
  (SELECT key FROM vectors WHERE space = ?1 ORDER BY made_at_ms DESC LIMIT -1 OFFSET ?2)
"""


class EmbeddedVectors(OneThread[apsw.Connection]):
    def __init__(self, path: Path, clock_ms: Callable[[], int] = now_ms, space_limit: int = SPACE_LIMIT) -> None:
        super().__init__("vectors", (apsw.Error, OSError))
        self._path = path
        self._now_ms = clock_ms
        self._space_limit = space_limit

    async def put(self, space: bytes, key: bytes, vector: bytes, expires_at_ms: int) -> None:
        def work(db: apsw.Connection) -> None:
            now = self._now_ms()
            with db:
                db.execute("DELETE FROM vectors WHERE expires_at_ms <= ?", (now,))
                db.execute(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)",
                    (key, space, len(vector), vector, now, expires_at_ms),
                )
                db.execute(_TRIM, (space, self._space_limit))

        await self._run(work)

    async def nearest(self, space: bytes, vector: bytes) -> Near | None:
        def work(db: apsw.Connection) -> Near | None:
            for key, similarity in db.execute(_NEAREST, (vector, space, len(vector), self._now_ms())):
                return None if similarity is None else Near(key, similarity)
            return None

        return await self._run(work)

    async def drop(self, key: bytes) -> None:
        await self._run(lambda db: db.execute("DELETE FROM vectors WHERE key = ?", (key,)).fetchall())

    async def clear(self) -> None:
        await self._run(lambda db: db.execute("DELETE FROM vectors").fetchall())

    # ---- on the thread

    def _open(self) -> apsw.Connection:
        self._path.touch(mode=0o600)
        connection = apsw.Connection(str(self._path))
        connection.set_busy_timeout(1000)
        connection.enable_load_extension(True)
        connection.load_extension(sqlite_vec.loadable_path())
        connection.enable_load_extension(False)
        connection.execute("PRAGMA journal_mode = WAL").fetchall()
        connection.execute(_TABLE)
        return connection

    def _failed(self, error: Exception) -> Exception:
        return VectorsUnreachable("Questions cannot be compared at the moment.")
