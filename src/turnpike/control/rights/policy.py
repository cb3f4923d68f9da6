"""The one place that decides: may this caller do this, and with whose data?

A `Scope` says whose rows a query may see. Scopes are made here and nowhere else: each carries a seal that no other
module has, so whoever wants one must ask.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from turnpike.control.rights.permissions import REACH_NAMES, WHOLE, Permission, Reach, Rights
from turnpike.control.rights.roles import BASIC


class _Seal:
    pass


_SEAL = _Seal()


@dataclass(frozen=True)
class NoData:
    """Nothing at all: what a principal has that no policy has looked at."""

    _seal: _Seal = field(repr=False, compare=False)


@dataclass(frozen=True)
class OwnData:
    user_id: str
    _seal: _Seal = field(repr=False, compare=False)


@dataclass(frozen=True)
class DepartmentData:
    """Of these departments, and one's own."""

    user_id: str
    department_ids: tuple[str, ...]
    _seal: _Seal = field(repr=False, compare=False)


@dataclass(frozen=True)
class AllData:
    _seal: _Seal = field(repr=False, compare=False)


Scope = NoData | OwnData | DepartmentData | AllData
NO_DATA = NoData(_SEAL)
_ALL_DATA = AllData(_SEAL)


class Who(Protocol):
    """Somebody who asks. `user_id` is None for the operator of this machine."""

    @property
    def user_id(self) -> str | None: ...

    @property
    def department_id(self) -> str | None: ...

    @property
    def rights(self) -> Rights: ...


class Target(NamedTuple):
    """Whose an object is. Both None: the gateway's."""

    owner_id: str | None = None
    department_id: str | None = None


class Decision(NamedTuple):
    allowed: bool
    scope: Scope
    reason: str = ""
    """Why not, for the caller to read."""


def decide(who: Who, permission: Permission, target: Target | None = None) -> Decision:
    """Whether `who` may do what `permission` names, with whose data, and - where an object is named - with that one.

    1. Who does not hold the permission may not.
    2. What concerns the whole gateway takes `all_data`.
    3. `department_data` of somebody without a department is their own data.
    4. An object is within `own_data` if the caller owns it, within `department_data` if it is of the caller's
       department or own, within `all_data` always; what is the gateway's own takes `all_data`.
    """
    reach = who.rights.reach(permission)
    if reach is None:
        words = f"This needs the permission {permission.value}, which this caller does not have."
        return Decision(False, NO_DATA, words)
    if permission in WHOLE and reach is not Reach.ALL:
        words = f"{permission.value} for {REACH_NAMES[Reach.ALL]}; this caller has it for {REACH_NAMES[reach]}"
        return Decision(False, NO_DATA, f"This needs the permission {words}.")
    scope = _scope(who, reach)
    if isinstance(scope, NoData):
        return Decision(False, scope, "Only a person has data of their own.")
    if target is not None and not holds(scope, target):
        return Decision(False, scope, f"This lies outside of what {permission.value} reaches for this caller.")
    return Decision(True, scope)


def _scope(who: Who, reach: Reach) -> Scope:
    if reach is Reach.ALL:
        return _ALL_DATA
    if who.user_id is None:
        return NO_DATA
    if reach is Reach.DEPARTMENT and who.department_id is not None:
        return DepartmentData(who.user_id, (who.department_id,), _SEAL)
    return OwnData(who.user_id, _SEAL)


def holds(scope: Scope, target: Target) -> bool:
    match scope:
        case AllData():
            return True
        case DepartmentData(user_id, department_ids):
            return target.department_id in department_ids or target.owner_id == user_id
        case OwnData(user_id):
            return target.owner_id == user_id
        case NoData():
            return False


def own_scope(who: Who) -> Scope:
    """Of a route about the caller alone; the operator, who is nobody, sees all."""
    return _ALL_DATA if who.user_id is None else OwnData(who.user_id, _SEAL)


def everything(because: str) -> AllData:
    """For what the gateway asks itself, on nobody's behalf. `because` is for the reader of the code."""
    assert because
    return _ALL_DATA


def covers(giver: Rights, given: Rights) -> bool:
    """Whether somebody may give these rights, or handle somebody who has them: nobody gives what they do not have, but
    for what everybody has."""
    return (giver | BASIC).covers(given)
