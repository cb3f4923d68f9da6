"""Whose events somebody may see: their own, those of their department as its administrator, or all."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, or_, true

from turnpike.contract.access import Role
from turnpike.control.db.models import EventRow
from turnpike.control.web.principal import Principal
from turnpike.errors import Forbidden


@dataclass(frozen=True)
class OwnEvents:
    user_id: str


@dataclass(frozen=True)
class DepartmentEvents:
    department_id: str
    user_id: str


@dataclass(frozen=True)
class AllEvents:
    pass


EventScope = OwnEvents | DepartmentEvents | AllEvents


def scope_of(principal: Principal) -> EventScope:
    """Raises Forbidden for who is neither an administrator nor a person."""
    if principal.is_admin or principal.is_operator:
        return AllEvents()
    if principal.user_id is None:
        raise Forbidden("Only a person has events.")
    leads = principal.role == Role.DEPARTMENT_ADMIN and principal.has("ledger:read")
    if leads and principal.department_id is not None:
        return DepartmentEvents(principal.department_id, principal.user_id)
    return OwnEvents(principal.user_id)


def condition(scope: EventScope) -> ColumnElement[bool]:
    match scope:
        case AllEvents():
            return true()
        case DepartmentEvents(department_id, user_id):
            return or_(EventRow.department_id == department_id, EventRow.user_id == user_id)
        case OwnEvents(user_id):
            return EventRow.user_id == user_id
