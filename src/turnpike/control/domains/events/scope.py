"""Whose events somebody may see: their own, those of their department too, or all."""

from sqlalchemy import ColumnElement, false, or_, true

from turnpike.control.db.models import EventRow
from turnpike.control.rights.permissions import Permission
from turnpike.control.rights.policy import AllData, DepartmentData, NoData, OwnData, Scope, Who, decide, own_scope


def scope_of(who: Who) -> Scope:
    """One's own are everybody's to see, with any key."""
    decided = decide(who, Permission.VIEW_EVENTS)
    return decided.scope if decided.allowed else own_scope(who)


def condition(scope: Scope) -> ColumnElement[bool]:
    match scope:
        case AllData():
            return true()
        case DepartmentData(user_id, department_ids):
            return or_(EventRow.department_id.in_(department_ids), EventRow.user_id == user_id)
        case OwnData(user_id):
            return EventRow.user_id == user_id
        case NoData():
            return false()
