"""Whose rows somebody may see. Every query on the ledger takes one of these; there is no query without."""

from dataclasses import dataclass

from turnpike.control.web.principal import Principal
from turnpike.errors import Forbidden


@dataclass(frozen=True)
class OwnRows:
    user_id: str


@dataclass(frozen=True)
class DepartmentRows:
    """Of everybody who was in the department when the call was made."""

    department_id: str


@dataclass(frozen=True)
class AllRows:
    pass


RowScope = OwnRows | DepartmentRows | AllRows


def scope_of(principal: Principal) -> RowScope:
    """Administrators and the operator of the machine see all rows, everybody else their own.

    Raises Forbidden for who is neither an administrator nor a person.
    """
    if principal.is_admin or principal.is_operator:
        return AllRows()
    if principal.user_id is None:
        raise Forbidden("Only a person has rows in the ledger.")
    return OwnRows(principal.user_id)
