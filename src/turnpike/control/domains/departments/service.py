"""What may be done with departments.

A department that has people, or that something else names, is never removed silently: what it is named by must be
changed first, and its people be moved, which may be done in the same step.
"""

from collections.abc import Sequence
from typing import Any

from turnpike.control.db.models import Department, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.departments import repository
from turnpike.control.domains.departments.repository import Size
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.limits import service as limits
from turnpike.control.rights.policy import Scope
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort

_GRANTED_BY = frozenset(("models", "default_tier"))


async def find(
    session: ReadSession, scope: Scope, search: str | None, sort: str | None, page: Page, *, name: str | None
) -> tuple[list[tuple[Department, Size]], int]:
    rows, total = await repository.find(
        session, scope, search, parse_sort(sort, repository.ORDER, "name"), page, name=name
    )
    sizes = await repository.sizes(session, [row.id for row in rows])
    return [(row, sizes[row.id]) for row in rows], total


async def get(session: ReadSession, scope: Scope, department_id: str) -> Department:
    """Raises NotFound, for what lies outside of the scope too."""
    row = await repository.get(session, scope, department_id)
    if row is None:
        raise NotFound(f"There is no department {department_id}.")
    return row


async def size_of(session: ReadSession, department_id: str) -> Size:
    return (await repository.sizes(session, [department_id]))[department_id]


async def create(session: WriteSession, values: dict[str, Any]) -> Department:
    """Raises Conflict or InvalidRequest."""
    await _check(session, None, values)
    row = Department(**values)
    session.add(row)
    await session.flush()
    return row


async def change(session: WriteSession, scope: Scope, department_id: str, values: dict[str, Any]) -> Department:
    """Raises NotFound, Conflict or InvalidRequest."""
    row = await get(session, scope, department_id)
    await _check(session, row.id, values)
    changed = {name for name, value in values.items() if getattr(row, name) != value}
    for name in changed:
        setattr(row, name, values[name])
    await session.flush()
    if changed & _GRANTED_BY:
        session.changes.users([user.id for user in await repository.people_of(session, row.id)])
    return row


async def _check(session: ReadSession, own_id: str | None, values: dict[str, Any]) -> None:
    lookups = {"name": repository.with_name, "code": repository.with_code}
    for field, look in lookups.items():
        value = values.get(field)
        other = await look(session, value) if value is not None else None
        if other is not None and other.id != own_id:
            raise Conflict(f"There is a department with the {field} {value!r} already.", details={"param": field})
    if values.get("default_tier") is not None:
        await limits.check_tier(session, values["default_tier"])


# ---- people


async def members(
    session: ReadSession, scope: Scope, department_id: str, sort: str | None, page: Page
) -> tuple[Sequence[User], int]:
    """Raises NotFound."""
    await get(session, scope, department_id)
    orders = parse_sort(sort, repository.MEMBER_ORDER, "display_name")
    return await repository.members(session, scope, department_id, orders, page)


async def move(session: WriteSession, actor: Principal, department_id: str, user_ids: Sequence[str]) -> int:
    """Makes these people members, wherever they were. Returns how many were elsewhere. Raises NotFound, Forbidden or
    InvalidRequest."""
    await get(session, actor.scope, department_id)
    found = await repository.people(session, user_ids)
    missing = sorted(set(user_ids) - {user.id for user in found if user.erased_at_ms is None})
    if missing:
        raise InvalidRequest(
            f"user_ids: there is nobody with the id {', '.join(missing[:10])}.",
            details={"param": "user_ids", "missing": missing},
        )
    return await _move(session, actor, found, department_id)


async def _move(session: WriteSession, actor: Principal, people: Sequence[User], department_id: str | None) -> int:
    moved = [user for user in people if user.department_id != department_id]
    for user in moved:
        await identity.move(session, actor, user, department_id)
    return len(moved)


async def remove(session: WriteSession, actor: Principal, department_id: str, move_to: str | None) -> int:
    """`move_to`: where its people go; without it only an empty one goes. Returns how many people were moved. Raises
    NotFound, Conflict, Forbidden or InvalidRequest."""
    row = await repository.locked(session, department_id)
    if row is None:
        raise NotFound(f"There is no department {department_id}.")
    named = await repository.mentions(session, department_id)
    if named:
        words = "; ".join(f"{kind.replace('_', ' ')}: {', '.join(names[:5])}" for kind, names in named.items())
        raise Conflict(
            f"The department {row.name!r} is still named by {words}. Change or remove those first.", details=named
        )
    people = await repository.people_of(session, department_id)
    size = await size_of(session, department_id)
    if move_to is not None:
        if move_to == department_id:
            raise InvalidRequest("move_to: name another department.", details={"param": "move_to"})
        await get(session, actor.scope, move_to)
    elif size.members or size.keys:
        raise Conflict(
            f"The department {row.name!r} has {size.members} people with {size.keys} API keys. Say with move_to where "
            "they go, or move them first.",
            details={"members": size.members, "keys": size.keys, "param": "move_to"},
        )
    moved = await _move(session, actor, people, move_to)
    await session.delete(row)
    await session.flush()
    return moved
