"""What may be done with people and departments, and by whom.

Nobody acts on somebody who may do more, nobody gives a role that may do more, nobody changes their own role, nor their
own department unless they have all data anyway, and the last active super admin stays one: otherwise the gateway could
be locked for everyone. Whose data is meant comes with each call as a scope.
"""

from collections.abc import Sequence
from typing import Any

from turnpike.contract.access import Role
from turnpike.control.db.models import Department, User
from turnpike.control.db.sessions import ReadSession, WriteSession
from turnpike.control.domains.identity import leaving, repository, telling
from turnpike.control.domains.identity.repository import UserFilter
from turnpike.control.domains.limits.tiers import DEFAULT as DEFAULT_TIER
from turnpike.control.domains.roles import service as roles
from turnpike.control.rights.permissions import Permission, Reach
from turnpike.control.rights.policy import AllData, DepartmentData, Scope, covers, everything
from turnpike.control.rights.roles import EVERYTHING, ROLE_RIGHTS
from turnpike.control.web.principal import Principal
from turnpike.errors import Conflict, Forbidden, InvalidRequest, NotFound
from turnpike.kit.pagination import Page, parse_sort

HIGHEST_ROLE = Role.SUPER_ADMIN
FIRST_ADMINISTRATOR = "Administrator"
_GRANTED_BY = frozenset({"role", "department_id", "is_active"})
"""Fields that a key's grant is made of."""
_NOT_ONES_OWN = ("role", "department_id")


async def list_users(
    session: ReadSession, scope: Scope, wanted: UserFilter, sort: str | None, page: Page
) -> tuple[Sequence[User], int]:
    orders = parse_sort(sort, repository.USER_ORDER, "display_name")
    return await repository.users(session, scope, wanted, orders, page)


async def get_user(session: ReadSession, scope: Scope, user_id: str) -> User:
    """Raises NotFound, for what lies outside of the scope too."""
    row = await repository.user(session, scope, user_id)
    if row is None:
        raise NotFound(f"There is no user {user_id}.")
    return row


async def user_with_email(session: ReadSession, email: str) -> User | None:
    return await repository.user_with(session, email=email)


def check_rank(actor: Principal, role: str, what: str) -> None:
    """For one of the four roles; any other counts as the highest. Raises Forbidden when it may do what the actor may
    not."""
    if not covers(actor.rights, ROLE_RIGHTS.get(role, EVERYTHING)):
        raise Forbidden(f"{what} takes what the role {role} may do; you are a {actor.role}.")


async def check_rank_of(session: ReadSession, actor: Principal, role: str, what: str) -> None:
    """For a role that somebody has. Raises Forbidden when it may do what the actor may not."""
    if not covers(actor.rights, await roles.rights_held(session, role)):
        raise Forbidden(f"{what} takes what the role {role} may do; you are a {actor.role}.")


async def check_giving(session: ReadSession, actor: Principal, role: str, what: str) -> None:
    """For a role that is to be given. Raises InvalidRequest for one that is not there, Forbidden for one that may do
    what the actor may not."""
    await roles.rights_named(session, role)
    await check_rank_of(session, actor, role, what)


async def create_user(session: WriteSession, actor: Principal, values: dict[str, Any]) -> User:
    """Raises Forbidden, Conflict or InvalidRequest."""
    await check_giving(session, actor, values["role"], f"Making a {values['role']}")
    await _check_unique(session, None, values)
    match actor.scope:
        case AllData():
            pass
        case DepartmentData(_, department_ids):
            values["department_id"] = values.get("department_id") or department_ids[0]
        case _:
            raise Forbidden("Adding people takes more than one's own data.")
    await check_department(session, actor.scope, values.get("department_id"))
    row = User(**values)
    session.add(row)
    await session.flush()
    telling.created(session, row)
    return row


async def change_user(session: WriteSession, actor: Principal, user_id: str, values: dict[str, Any]) -> User:
    """Raises NotFound, Forbidden, Conflict or InvalidRequest."""
    row = await get_user(session, actor.scope, user_id)
    await check_rank_of(session, actor, row.role, "Changing this user")
    if row.erased_at_ms is not None:
        raise Conflict("This person was erased, for ever; add a new one.")
    if "role" in values:
        await check_giving(session, actor, values["role"], f"Making a {values['role']}")
    if "role" in values and values["role"] != row.role:
        _check_not_oneself(actor, row)
    if "department_id" in values and values["department_id"] != row.department_id:
        await _check_move(session, actor, row, values["department_id"])
    return await apply_change(session, row, values)


async def apply_change(session: WriteSession, row: User, values: dict[str, Any]) -> User:
    """What `change_user` does once the right to it is known. Raises Conflict or InvalidRequest."""
    await keep_a_super_admin(session, row, values)
    await _check_unique(session, row.id, values)
    await check_department(session, everything("the right to it is known"), values.get("department_id"))
    changed = await _take_up(session, row, values)
    if changed & _GRANTED_BY:
        session.changes.users([row.id])
        if not row.is_active:
            await leaving.shut_out(session, row.id, "deactivated")
        if "is_active" in changed and row.is_active:
            # Relays remember for a while that an issuer's tokens for this person were nobody's; they must ask again.
            session.changes.all_keys()
    return row


async def move(session: WriteSession, actor: Principal, row: User, department_id: str | None) -> None:
    """To a department that is the actor's to move people to. Raises Forbidden."""
    await check_rank_of(session, actor, row.role, "Moving this person")
    await check_own_move(session, actor.user_id, row)
    await _take_up(session, row, {"department_id": department_id})
    session.changes.users([row.id])


def _check_not_oneself(actor: Principal, row: User) -> None:
    """Raises Forbidden: nobody raises their own rights. Who may do everything gains nothing by it."""
    if row.id == actor.user_id and not actor.rights.covers(EVERYTHING):
        raise Forbidden("Your own role is for somebody else to change.", details={"param": "role"})


async def check_own_move(session: ReadSession, actor_id: str | None, row: User) -> None:
    """Raises Forbidden: nobody moves to where they would see more, or have another's models and budgets. Whose role has
    all data gains nothing by it; what the key has that asks does not count, since others of its owner's have more."""
    if row.id != actor_id:
        return
    held = await roles.rights_held(session, row.role)
    if any(held.reach(each) is not Reach.ALL for each in Permission if held.reach(each) is not None):
        raise Forbidden("Your own department is for somebody else to change.", details={"param": "department_id"})


async def _check_move(session: ReadSession, actor: Principal, row: User, department_id: str | None) -> None:
    """Raises Forbidden or InvalidRequest for a department that is not the actor's to move people from or to."""
    await check_own_move(session, actor.user_id, row)
    if department_id is None and not isinstance(actor.scope, AllData):
        raise Forbidden("Taking somebody out of their department takes all_data.", details={"param": "department_id"})
    await check_department(session, actor.scope, department_id)


async def complete_user(session: WriteSession, row: User, values: dict[str, Any]) -> None:
    """What people may say of themselves: name and e-mail. Raises Conflict."""
    await _check_unique(session, row.id, values)
    for name in ("display_name", "email"):
        if name in values:
            setattr(row, name, values[name])
    await session.flush()


async def apply_mapping(session: WriteSession, row: User, values: dict[str, Any]) -> str | None:
    """Role and department as an issuer's rules give them, at work everywhere within a second. Returns why something
    was left as it was."""
    refused = None
    try:
        await keep_a_super_admin(session, row, values)
    except Conflict as error:
        refused = error.message
        values = {name: value for name, value in values.items() if name != "role"}
    role = values.get("role")
    if role is not None and await roles.find_rights(session, role) is None:
        refused = f"There is no role {role}."
        values = {name: value for name, value in values.items() if name != "role"}
    department_id = values.get("department_id")
    scope = everything("an issuer's rules name any department")
    if department_id is not None and await repository.department(session, scope, department_id) is None:
        refused = f"There is no department {department_id}."
        values = {name: value for name, value in values.items() if name != "department_id"}
    if await _take_up(session, row, values):
        session.changes.users([row.id])
    return refused


async def _take_up(session: WriteSession, row: User, values: dict[str, Any]) -> set[str]:
    """Writes what differs and tells of it; returns its names. Who made a link for somebody need not be one who may let
    in what that person has become."""
    before = {name: getattr(row, name) for name in values}
    changed = {name for name, value in values.items() if before[name] != value}
    for name in changed:
        setattr(row, name, values[name])
    await session.flush()
    telling.changed(session, row, {name: before[name] for name in changed})
    if not changed.isdisjoint(_NOT_ONES_OWN):
        await leaving.take_back_links(session, row.id)
    return changed


async def keep_a_super_admin(session: ReadSession, row: User, values: dict[str, Any]) -> None:
    """Raises Conflict when these values would leave nobody who may do everything."""
    stays = values.get("role", row.role) == Role.SUPER_ADMIN and values.get("is_active", row.is_active)
    is_one = row.role == Role.SUPER_ADMIN and row.is_active
    if is_one and not stays and not await repository.other_super_admins(session, row.id):
        raise Conflict("This is the last active super admin; make another one first.")


async def _check_unique(session: ReadSession, own_id: str | None, values: dict[str, Any]) -> None:
    for field in ("email", "ext_subject"):
        value = values.get(field)
        if value is None:
            continue
        other = await repository.user_with(session, **{field: value})
        if other is not None and other.id != own_id:
            raise Conflict(f"Another user has this {field}.", details={"param": field})


async def check_department(session: ReadSession, scope: Scope, department_id: str | None) -> None:
    """Raises InvalidRequest for one that is not there, or lies outside of the scope."""
    if department_id is not None and await repository.department(session, scope, department_id) is None:
        raise InvalidRequest(f"There is no department {department_id}.", details={"param": "department_id"})


async def operators_user(session: ReadSession) -> User:
    """In whose name the operator acts where a person is needed. Raises NotFound."""
    row = await repository.first_super_admin(session)
    if row is None:
        raise NotFound("There is no active super admin.")
    return row


async def get_department(session: ReadSession, scope: Scope, department_id: str) -> Department:
    """Raises NotFound, for what lies outside of the scope too."""
    row = await repository.department(session, scope, department_id)
    if row is None:
        raise NotFound(f"There is no department {department_id}.")
    return row


async def default_tier(session: ReadSession, user: User) -> str:
    """Of the keys that are made for this person."""
    scope = everything("the department of a known person")
    department = await repository.department(session, scope, user.department_id) if user.department_id else None
    return (department.default_tier if department else None) or DEFAULT_TIER
