"""Rows of the catalog: whatever is added, changed or removed here, relays are told of with the next snapshot.

What may stand in a row is its own service's concern, which hands in a `check` that raises what is wrong with it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from turnpike.control.db.base import Base
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.errors import NotFound

R = TypeVar("R", bound=Base)
Check = Callable[[ReadSession, R], Awaitable[None]]


async def get(session: ReadSession, model: type[R], row_id: str, called: str) -> R:
    """Raises NotFound, which names it as what it is `called`."""
    row = await session.get(model, row_id)
    if row is None:
        raise NotFound(f"There is no {called} {row_id}.")
    return row


async def add(session: WriteSession, row: R, check: Check[R] | None = None) -> R:
    """Raises what `check` raises."""
    if check is not None:
        await check(session, row)
    session.add(row)
    await session.flush()
    session.changes.catalog()
    return row


async def change(session: WriteSession, row: R, values: Mapping[str, Any], check: Check[R] | None = None) -> R:
    """Raises what `check` raises; it sees the row as it would be, before the database does."""
    with session.no_autoflush:
        for name, value in values.items():
            setattr(row, name, value)
        if check is not None:
            await check(session, row)
    await session.flush()
    session.changes.catalog()
    return row


async def remove(session: WriteSession, row: R) -> R:
    await session.delete(row)
    await session.flush()
    session.changes.catalog()
    return row
