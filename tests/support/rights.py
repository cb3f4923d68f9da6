"""Scopes for tests of queries, made as everywhere: by asking the policy."""

from turnpike.control.rights.permissions import Permission, Reach, Rights
from turnpike.control.rights.policy import Scope, decide
from turnpike.control.web.principal import Principal


def somebody(rights: Rights, user_id: str = "u", department_id: str | None = "d", role: str = "user") -> Principal:
    return Principal("test", role, 0, user_id=user_id, department_id=department_id, rights=rights)


def scope_at(reach: Reach, user_id: str = "u", department_id: str | None = "d") -> Scope:
    """What somebody may see who holds a permission at this reach."""
    who = somebody(Rights.of({Permission.VIEW_KEYS: reach}), user_id, department_id)
    return decide(who, Permission.VIEW_KEYS).scope
