"""Events of people: who was added, and what became of role, department and access."""

from collections.abc import Mapping
from typing import Any

from turnpike.control.db.models import User
from turnpike.control.db.sessions import WriteSession
from turnpike.control.events.kinds import (
    Payload,
    UserActivated,
    UserCreated,
    UserDeactivated,
    UserDepartmentChanged,
    UserRoleChanged,
)
from turnpike.control.events.outbox import emit


def created(session: WriteSession, row: User) -> None:
    """Called once the row has its id."""
    _tell(session, row, UserCreated(user_id=row.id, role=row.role, department_id=row.department_id))


def changed(session: WriteSession, row: User, before: Mapping[str, Any]) -> None:
    """`before`: what the changed fields were."""
    if "role" in before:
        _tell(session, row, UserRoleChanged(user_id=row.id, old_role=before["role"], new_role=row.role))
    if "department_id" in before:
        old = before["department_id"]
        told = UserDepartmentChanged(user_id=row.id, old_department_id=old, new_department_id=row.department_id)
        _tell(session, row, told)
    if "is_active" in before:
        _tell(session, row, UserActivated(user_id=row.id) if row.is_active else UserDeactivated(user_id=row.id))


def _tell(session: WriteSession, row: User, payload: Payload) -> None:
    emit(session, payload, department_id=row.department_id, user_id=row.id)
