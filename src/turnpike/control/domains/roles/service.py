"""Making roles, and what other rooms ask of them: the rights behind a role's name.

Nobody puts into a role what they do not have, and nobody changes the role that they have themselves into more.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from turnpike.control.db.models import RoleRow
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.roles import repository
from turnpike.control.rights.permissions import Permission, Rights
from turnpike.control.rights.policy import covers, everything
from turnpike.control.rights.roles import NOTHING, ROLE_RIGHTS, rights_of
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, Forbidden, InvalidRequest, NotFound
from turnpike.kit.pagination import parse_sort

MOST_ROLES = 200
BUILT_IN = {
    "user": "Calls models and looks after their own keys, sessions and usage.",
    "department_admin": "The same for their department, and its people.",
    "admin": "Everything but erasing the audit log and changing the encryption and signing keys.",
    "super_admin": "Everything.",
}


class Shown(NamedTuple):
    name: str
    description: str | None
    rights: Rights
    row: RoleRow | None
    """None for one of the four that are always there."""


def _shown(row: RoleRow) -> Shown:
    return Shown(row.name, row.description, Rights.read(row.permissions), row)


def _built_in(name: str) -> Shown:
    return Shown(name, BUILT_IN[name], ROLE_RIGHTS[name], None)


# ---- for other rooms


async def find_rights(session: ReadSession, name: str) -> Rights | None:
    """None for a role that is not there."""
    if name in ROLE_RIGHTS:
        return ROLE_RIGHTS[name]
    row = await repository.role(session, name)
    return None if row is None else rights_of(name, row.permissions)


async def rights_named(session: ReadSession, name: str, param: str = "role") -> Rights:
    """Raises InvalidRequest for a role that is not there."""
    found = await find_rights(session, name)
    if found is None:
        raise InvalidRequest(f"There is no role {name!r}.", details={"param": param})
    return found


async def rights_held(session: ReadSession, name: str) -> Rights:
    """Of somebody who has the role already; nothing when it is gone."""
    return await find_rights(session, name) or NOTHING


async def highest(session: ReadSession, names: Sequence[str]) -> str | None:
    """The highest of those that are there: who may do more with all data comes first."""
    found = [(rights.weight(), name) for name in names if (rights := await find_rights(session, name)) is not None]
    return max(found)[1] if found else None


# ---- reading


async def find(session: ReadSession, search: str | None, sort: str | None = None) -> list[Shown]:
    """The four, in rising order, then those made here by name: that is `rank`, the order unless `sort` says another.
    Not all of them are rows, and there are few: they are sorted here. Raises InvalidRequest."""
    orders = parse_sort(sort, ("rank", "name"), "rank")
    made = [_shown(row) for row in await repository.roles(session)]
    words = (search or "").lower()
    found = [role for role in (*map(_built_in, BUILT_IN), *made) if words in role.name]
    # Names and ranks are each one role's alone: the first order leaves nothing to the others.
    if orders[0].field == "name":
        found.sort(key=lambda role: role.name)
    return found[::-1] if orders[0].descending else found


async def get(session: ReadSession, name: str) -> Shown:
    """Raises NotFound."""
    if name in BUILT_IN:
        return _built_in(name)
    row = await repository.role(session, name)
    if row is None:
        raise NotFound(f"There is no role {name!r}.")
    return _shown(row)


# ---- changing


async def put(
    session: WriteSession, actor: Principal, name: str, description: str | None, permissions: Mapping[str, str]
) -> Shown:
    """Makes the role or changes it, at work everywhere within a second. Raises Forbidden or Conflict."""
    _check_own(name)
    wanted = Rights.read(permissions)
    _check_giving(actor, wanted, "This role would have")
    if actor.role == name and not actor.rights.covers(wanted):
        raise Forbidden("This is the role that you have yourself: nobody raises their own rights.")
    row = await repository.role(session, name, lock=True)
    if row is None:
        if len(await repository.roles(session)) >= MOST_ROLES:
            raise Conflict(f"There are {MOST_ROLES} roles, which is as many as there may be.")
        row = RoleRow(name=name, permissions={})
        session.add(row)
    else:
        # Who could not have given what it has may not take it away either.
        _check_giving(actor, Rights.read(row.permissions), "This role has")
    row.description, row.permissions = description, wanted.names()
    await session.flush()
    session.changes.all_keys()
    return _shown(row)


async def remove(session: WriteSession, actor: Principal, name: str) -> Shown:
    """Raises NotFound, Forbidden, or Conflict while somebody has it."""
    _check_own(name)
    row = await repository.role(session, name, lock=True)
    if row is None:
        raise NotFound(f"There is no role {name!r}.")
    _check_giving(actor, Rights.read(row.permissions), "This role has")
    people, keys = await repository.holders(session, everything("a role in use stays, whoever has it"), name)
    named = [issuer.slug for issuer in await repository.issuers(session) if name in _roles_in(issuer.config)]
    if people or keys or named:
        uses = (f"{people} people", f"{keys} keys", f"rules of {', '.join(named) or 'no issuer'}")
        raise Conflict(
            f"The role {name} is in use: {', '.join(uses)}.",
            details={"users": people, "keys": keys, "issuers": named},
        )
    shown = _shown(row)
    await session.delete(row)
    await session.flush()
    return shown


def _roles_in(config: Mapping[str, Any]) -> set[str]:
    rules = config.get("rules") or []
    return {config.get("default_role", ""), *(rule.get("role") or "" for rule in rules)}


def _check_own(name: str) -> None:
    if name in BUILT_IN:
        raise Forbidden(f"The role {name} is always there and always the same; make one with another name.")


def _check_giving(actor: Principal, rights: Rights, what: str) -> None:
    if covers(actor.rights, rights):
        return
    beyond = [each.value for each in Permission if (rights.reach(each) or 0) > (actor.rights.reach(each) or 0)]
    raise Forbidden(
        f"{what} more than you have yourself: {', '.join(beyond)}.", details={"param": "permissions", "beyond": beyond}
    )
