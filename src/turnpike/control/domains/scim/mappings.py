"""What being in a provider's group gives here: a role, a department, or both.

Roles are the groups' to give only where a mapping gives any: then whoever a group's change concerns has the highest
role of their groups, or `user`. A department is that of the first mapping that fits; who fits none stays.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import select

from turnpike.contract.access import Role
from turnpike.control.db.models import ScimGroup, ScimMapping, ScimMember, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import service as identity
from turnpike.control.domains.listing import Columns, contains, ordered, paged
from turnpike.control.domains.roles import service as roles_held
from turnpike.control.domains.scim.names import name_key
from turnpike.control.rights.permissions import Rights
from turnpike.control.rights.policy import covers, everything
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, Forbidden, InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort

ORDER: Columns = {"group": ScimMapping.group_name, "created_at": ScimMapping.created_at_ms}
_AT_ONCE = 500


class Ceiling(NamedTuple):
    """What whoever asks may act on and give, at most."""

    name: str
    rights: Rights
    actor_id: str | None
    """Whose doing it is; None: the operator's."""


def ceiling_of(actor: Principal) -> Ceiling:
    """A key has its own, which may be lower than its owner's role."""
    return Ceiling(actor.name if actor.key_id else actor.role, actor.rights, actor.user_id)


async def find(
    session: ReadSession, search: str | None, sort: str | None, page: Page
) -> tuple[Sequence[ScimMapping], int]:
    query = select(ScimMapping)
    if search:
        query = query.where(contains(ScimMapping.group_name, search))
    return await paged(session, ordered(query, parse_sort(sort, ORDER, "group"), ORDER, ScimMapping.id), page)


async def get(session: ReadSession, mapping_id: str) -> ScimMapping:
    """Raises NotFound."""
    row = await session.get(ScimMapping, mapping_id)
    if row is None:
        raise NotFound(f"There is no mapping {mapping_id}.")
    return row


async def create(session: WriteSession, actor: Principal, values: dict[str, Any]) -> ScimMapping:
    """At once at work for who is in the group. Raises Conflict, Forbidden, NotFound or InvalidRequest."""
    key = name_key(values["group_name"])
    same = (await session.scalars(select(ScimMapping).where(ScimMapping.name_key == key))).first()
    if same is not None:
        raise Conflict(f"There is a mapping of {same.group_name!r} already.", details={"param": "group", "id": same.id})
    row = ScimMapping(name_key=key, **values)
    await _check(session, actor, row)
    session.add(row)
    await session.flush()
    await apply(session, ceiling_of(actor), await _people_of(session, key))
    return row


async def change(session: WriteSession, actor: Principal, mapping_id: str, values: dict[str, Any]) -> ScimMapping:
    """Raises NotFound, Forbidden or InvalidRequest."""
    row = await get(session, mapping_id)
    with session.no_autoflush:
        await _check(session, actor, row)
        for name, value in values.items():
            setattr(row, name, value)
        await _check(session, actor, row)
    await session.flush()
    await apply(session, ceiling_of(actor), await _people_of(session, row.name_key))
    return row


async def remove(session: WriteSession, actor: Principal, mapping_id: str) -> ScimMapping:
    """What it gave goes with it. Raises NotFound or Forbidden."""
    row = await get(session, mapping_id)
    await _check(session, actor, row)
    gave_roles = row.role is not None
    await session.delete(row)
    await session.flush()
    await apply(session, ceiling_of(actor), await _people_of(session, row.name_key), roles=gave_roles)
    return row


async def _check(session: ReadSession, actor: Principal, row: ScimMapping) -> None:
    if row.role is None and row.department_id is None:
        raise InvalidRequest("A mapping gives a role, a department, or both.", details={"param": "role"})
    if row.role is not None:
        await identity.check_giving(session, actor, row.role, f"Giving the role {row.role}")
    if row.department_id is not None:
        await identity.get_department(session, everything("mappings are for the whole gateway"), row.department_id)


async def _people_of(session: ReadSession, key: str) -> list[str]:
    query = (
        select(ScimMember.user_id)
        .join(ScimGroup, ScimGroup.id == ScimMember.group_id)
        .where(ScimGroup.name_key == key)
        .distinct()
    )
    return [*await session.scalars(query)]


async def apply(session: WriteSession, most: Ceiling, user_ids: Iterable[str], *, roles: bool | None = None) -> None:
    """Gives these people what their groups give them now. `roles`: whether roles are the groups' to give, where that is
    not what the mappings say now. Raises Forbidden for somebody above, for a role above, or for whoever would move
    themselves."""
    rows = (await session.scalars(select(ScimMapping).order_by(ScimMapping.created_at_ms, ScimMapping.id))).all()
    give_roles = any(row.role is not None for row in rows) if roles is None else roles
    wanted = sorted(set(user_ids))
    for start in range(0, len(wanted), _AT_ONCE):
        ids = wanted[start : start + _AT_ONCE]
        groups = await _groups_of(session, ids)
        people = (await session.scalars(select(User).where(User.id.in_(ids)).order_by(User.id))).all()
        for user in people:
            fitting = [row for row in rows if row.name_key in groups.get(user.id, ())]
            values = await _given(session, fitting, give_roles=give_roles)
            if any(getattr(user, name) != value for name, value in values.items()):
                await check_reach(session, most, user.role, values.get("role"))
                if values.get("department_id", user.department_id) != user.department_id:
                    await identity.check_own_move(session, most.actor_id, user)
                await identity.apply_mapping(session, user, values)


async def _groups_of(session: ReadSession, user_ids: Sequence[str]) -> dict[str, set[str]]:
    """Keys of the names of each person's groups."""
    query = (
        select(ScimMember.user_id, ScimGroup.name_key)
        .join(ScimGroup, ScimGroup.id == ScimMember.group_id)
        .where(ScimMember.user_id.in_(user_ids))
    )
    found: dict[str, set[str]] = {}
    for user_id, key in await session.execute(query):
        found.setdefault(user_id, set()).add(key)
    return found


async def _given(session: ReadSession, fitting: Sequence[ScimMapping], *, give_roles: bool) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if give_roles:
        names = [row.role for row in fitting if row.role is not None]
        values["role"] = await roles_held.highest(session, names) or Role.USER
    department = next((row.department_id for row in fitting if row.department_id is not None), None)
    return values if department is None else {**values, "department_id": department}


async def check_reach(session: ReadSession, most: Ceiling, role: str, given: str | None = None) -> None:
    """Raises Forbidden."""
    if not covers(most.rights, await roles_held.rights_held(session, role)):
        raise Forbidden(f"This person is {role}, above what this may act on ({most.name}).")
    if given is not None and not covers(most.rights, await roles_held.rights_held(session, given)):
        raise Forbidden(f"The group gives the role {given}, above what this may give ({most.name}).")
