"""Kept answers on this machine's disk: a SQLite file of their own, used by one thread.

It is a cache: a file that is damaged or of another version is thrown away and begun anew.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from turnpike.control.infra.answers import Room, Shut, StoreUnreachable, Wanted
from turnpike.control.infra.threads import OneThread
from turnpike.kit.clock import now_ms

_VERSION = 1
_TABLE = """
CREATE TABLE IF NOT EXISTS answers (
  key BLOB PRIMARY KEY, sealed BLOB NOT NULL, size INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
  used_at_ms INTEGER NOT NULL, model TEXT NOT NULL, key_id TEXT NOT NULL, user_id TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS used ON answers (used_at_ms);
CREATE INDEX IF NOT EXISTS expiring ON answers (expires_at_ms);
"""
_MAKE_ROOM_AT_ONCE = 100
_TOUCH_MS = 60_000
"""How exactly it is known when an answer was last asked for: each look would else be a write."""


class DiskAnswers(OneThread[sqlite3.Connection]):
    def __init__(self, path: Path, limit_bytes: int, clock_ms: Callable[[], int] = now_ms) -> None:
        super().__init__("answers", (sqlite3.Error, OSError))
        self._path = path
        self._limit_bytes = limit_bytes
        self._now_ms = clock_ms
        self._size_bytes = 0

    async def get(self, key: bytes) -> bytes | None:
        return await self._run(lambda db: self._get(db, key))

    async def put(self, answer: Shut) -> None:
        await self._run(lambda db: self._put(db, answer))

    async def clear(self, wanted: Wanted) -> int:
        return await self._run(lambda db: self._clear(db, wanted))

    async def room(self) -> Room:
        return await self._run(
            lambda db: Room(db.execute("SELECT COUNT(*) FROM answers").fetchone()[0], self._size(db))
        )

    # ---- on the thread

    def _open(self) -> sqlite3.Connection:
        self._path.touch(mode=0o600)
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=1.0)
        try:
            self._prepare(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _prepare(self, db: sqlite3.Connection) -> None:
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "auto_vacuum = INCREMENTAL"):
            db.execute(f"PRAGMA {pragma}")
        if db.execute("PRAGMA user_version").fetchone()[0] not in (0, _VERSION):
            db.execute("DROP TABLE IF EXISTS answers")
        db.executescript(_TABLE)
        db.execute(f"PRAGMA user_version = {_VERSION}")
        self._size_bytes = self._size(db)

    def _failed(self, error: Exception) -> Exception:
        """The next one opens the file anew; one that is no database is begun anew."""
        self._drop()
        if isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
            for suffix in ("", "-wal", "-shm"):
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        return StoreUnreachable("The answers on disk cannot be read or written at the moment.")

    def _get(self, db: sqlite3.Connection, key: bytes) -> bytes | None:
        row = db.execute("SELECT sealed, expires_at_ms, used_at_ms FROM answers WHERE key = ?", (key,)).fetchone()
        now = self._now_ms()
        if row is None or row[1] <= now:
            return None
        if now - row[2] > _TOUCH_MS:
            db.execute("UPDATE answers SET used_at_ms = ? WHERE key = ?", (now, key))
        return row[0]

    def _put(self, db: sqlite3.Connection, answer: Shut) -> None:
        size = len(answer.sealed)
        if size > self._limit_bytes:
            return
        db.execute("BEGIN IMMEDIATE")
        try:
            old = db.execute("SELECT size FROM answers WHERE key = ?", (answer.key,)).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    answer.key, answer.sealed, size, answer.expires_at_ms, self._now_ms(), answer.model,
                    answer.key_id, answer.user_id,
                ),
            )  # fmt: skip
            self._size_bytes += size - (old[0] if old else 0)
            if self._size_bytes > self._limit_bytes:
                self._make_room(db, answer.key)
            db.execute("COMMIT")
        except sqlite3.Error:
            db.execute("ROLLBACK")
            self._size_bytes = self._size(db)
            raise

    def _make_room(self, db: sqlite3.Connection, kept: bytes) -> None:
        db.execute("DELETE FROM answers WHERE expires_at_ms <= ?", (self._now_ms(),))
        self._size_bytes = self._size(db)
        while self._size_bytes > self._limit_bytes:
            rows = db.execute(
                "SELECT key, size FROM answers WHERE key <> ? ORDER BY used_at_ms, rowid LIMIT ?",
                (kept, _MAKE_ROOM_AT_ONCE),
            ).fetchall()
            for key, size in rows:
                if self._size_bytes <= self._limit_bytes:
                    break
                db.execute("DELETE FROM answers WHERE key = ?", (key,))
                self._size_bytes -= size
            if not rows:
                return

    def _clear(self, db: sqlite3.Connection, wanted: Wanted) -> int:
        gone = db.execute(
            "DELETE FROM answers WHERE (?1 IS NULL OR model = ?1) AND (?2 IS NULL OR key_id = ?2)"
            " AND (?3 IS NULL OR user_id = ?3)",
            wanted,
        ).rowcount
        self._size_bytes = self._size(db)
        db.execute("PRAGMA incremental_vacuum")
        return gone

    @staticmethod
    def _size(db: sqlite3.Connection) -> int:
        return db.execute("SELECT COALESCE(SUM(size), 0) FROM answers").fetchone()[0]
