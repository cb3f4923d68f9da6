"""The four roles that are always there, and what a key has of its owner's rights.

A role may be made of the same permissions by an administrator; those are rows (domains/roles) and come here as the
mapping that is stored.
"""

from collections.abc import Mapping

from turnpike.contract.access import Role
from turnpike.contract.scopes import SCOPE_BIT, SCOPES, to_bits
from turnpike.control.rights.permissions import WHOLE, Permission, Reach, Rights, own

_P = Permission
_USER: dict[Permission, Reach] = dict.fromkeys(
    (_P.CHAT, _P.VIEW_ASSISTANTS, _P.VIEW_ANALYTICS, _P.VIEW_MODELS, _P.VIEW_KEYS, _P.MANAGE_KEYS, _P.VIEW_SESSIONS,
     _P.MANAGE_SESSIONS, _P.VIEW_BUDGETS, _P.VIEW_LIMITS, _P.VIEW_EVENTS, _P.VIEW_TRAINING),
    Reach.OWN,
)  # fmt: skip
_DEPARTMENT_ADMIN: dict[Permission, Reach] = {
    **dict.fromkeys(
        (*_USER, _P.MANAGE_ASSISTANTS, _P.VIEW_USERS, _P.MANAGE_USERS, _P.VIEW_DEPARTMENTS, _P.VIEW_DECISIONS,
         _P.VIEW_AUDIT, _P.MANAGE_TRAINING),
        Reach.DEPARTMENT,
    ),
    _P.VIEW_CLUSTER: Reach.ALL,
}  # fmt: skip
_SUPER_ADMIN_ALONE = (_P.ERASE_AUDIT, _P.MANAGE_SECRETS)
EVERYTHING = Rights.of(dict.fromkeys(Permission, Reach.ALL))
ROLE_RIGHTS: dict[str, Rights] = {
    Role.USER: Rights.of(_USER),
    Role.DEPARTMENT_ADMIN: Rights.of(_DEPARTMENT_ADMIN),
    Role.ADMIN: Rights.of({each: Reach.ALL for each in Permission if each not in _SUPER_ADMIN_ALONE}),
    Role.SUPER_ADMIN: EVERYTHING,
}
"""Each has all that the one before has."""
BASIC = ROLE_RIGHTS[Role.USER]
"""What everybody may be given by whoever brings people in."""
NOTHING = Rights()

ROLE_NAME = r"^[a-z][a-z0-9_-]{0,31}$"

_CALLS = ("inference:text", "inference:image", "inference:audio", "embeddings", "video", "passthrough")
_NEEDED_FOR: dict[str, Permission] = {
    "models:read": _P.VIEW_MODELS,
    **dict.fromkeys(_CALLS, _P.CHAT),
    "ledger:read": _P.VIEW_ANALYTICS,
    "cluster:read": _P.VIEW_CLUSTER,
    "cluster:write": _P.MANAGE_CLUSTER,
    "admin": _P.MANAGE_PLATFORM,
}
"""What a key's owner must have for a scope to count, and what the scope opens on the platform API."""
if set(_NEEDED_FOR) != set(SCOPES):  # pragma: no cover - said at import, so that no scope is forgotten
    raise RuntimeError("every scope of keys needs its permission")

ADMIN_BIT = SCOPE_BIT["admin"]


def permission_of(scope: str) -> Permission:
    """Of a key's scope. Raises KeyError for a name that is none."""
    return _NEEDED_FOR[scope]


def scopes_opening(permission: Permission) -> list[str]:
    """Scopes by which a key has it, as far as its owner has; none: by the key's role alone."""
    return [name for name, needed in _NEEDED_FOR.items() if needed is permission]


def rights_of(role: str, stored: Mapping[str, str] | None) -> Rights:
    """Of a role by name and, where it is none of the four, by what is stored of it; nothing for one that is gone."""
    known = ROLE_RIGHTS.get(role)
    if known is not None:
        return known
    return Rights.read(stored) if stored is not None else NOTHING


def scopes_of(rights: Rights) -> int:
    """Bits of the scopes that a key may hold whose owner has these rights."""
    return to_bits(name for name, needed in _NEEDED_FOR.items() if rights.reach(needed) is not None)


def key_rights(owner: Rights, scopes: int, role: Rights | None) -> Rights:
    """What a key may do on the platform API: for the scope `admin` all that its owner may; else what its scopes open,
    for the owner's own data; and what its own role has, as far as the owner has it."""
    held = scopes & scopes_of(owner)
    if role is not None:
        return (owner & role) | (owner & _opened(held & ~ADMIN_BIT))
    return owner if held & ADMIN_BIT else owner & _opened(held)


def _opened(scopes: int) -> Rights:
    opened = [needed for name, needed in _NEEDED_FOR.items() if scopes & SCOPE_BIT[name]]
    whole = Rights.of({each: Reach.ALL for each in opened if each in WHOLE})
    return own(opened) | whole
