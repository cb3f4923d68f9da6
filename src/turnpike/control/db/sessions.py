"""Two kinds of session, so that a function's signature says whether it may write.

A `ReadSession` refuses to flush, and the database itself refuses its writes. A `WriteSession` is a transaction: it
may read too, and gathers what relays must hear of it. Neither is committed by those who use it: `Database` does that,
once, at the end of a request.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from turnpike.control.audit.entries import Draft
from turnpike.control.db.recording import RecordingSession


class NotWritable(RuntimeError):
    """Something was added to, changed in or deleted from a session that only reads: a fault of ours."""


class _ReadOnly(Session):
    def flush(self, objects: Any = None) -> None:
        if self._is_clean():
            return
        raise NotWritable(f"a read session holds changes: {[*self.new, *self.dirty, *self.deleted]}")


class Changes:
    """What a transaction changed in the eyes of relays. One entry of the change log comes of it."""

    __slots__ = ("_all_keys", "_key_ids", "snapshot", "user_ids")

    def __init__(self) -> None:
        self.snapshot = False
        self.user_ids: set[str] = set()
        self._key_ids: set[str] = set()
        self._all_keys = False

    def catalog(self) -> None:
        """Providers, models, shared credentials or policies: a new snapshot is due."""
        self.snapshot = True

    def keys(self, key_ids: Iterable[str]) -> None:
        """Grants of these keys, as far as relays know them, no longer hold."""
        self._key_ids.update(key_ids)

    def users(self, user_ids: Iterable[str]) -> None:
        """Grants of all keys of these people no longer hold; the change log looks up which keys those are."""
        self.user_ids.update(user_ids)

    def all_keys(self) -> None:
        """Any grant may have changed, or a key that was unknown may now be known."""
        self._all_keys = True

    @property
    def any(self) -> bool:
        return self.snapshot or self._all_keys or bool(self._key_ids) or bool(self.user_ids)

    @property
    def key_ids(self) -> list[str] | None:
        """None: all of them."""
        return None if self._all_keys else sorted(self._key_ids)


class ReadSession(AsyncSession):
    """Reads only; see `Database.read`."""

    sync_session_class = _ReadOnly


class WriteSession(ReadSession):
    """Reads and writes; see `Database.write`."""

    sync_session_class = RecordingSession

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changes = Changes()
        self.audit: list[Draft] = []
        """Entries for the audit log beside that of the request being served, which is made by itself."""
        self.emitted = False
        """Whether an event was written (turnpike.control.events)."""
