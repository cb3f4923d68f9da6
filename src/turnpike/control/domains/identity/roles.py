"""What each of the four roles may hold at most. A key grants its scopes only as far as its owner's role has them."""

from turnpike.contract.access import Role
from turnpike.contract.scopes import SCOPES, to_bits

_CALLS = ("models:read", "inference:text", "inference:image", "inference:audio", "embeddings", "video", "passthrough")

ROLE_SCOPES: dict[str, tuple[str, ...]] = {
    Role.USER: (*_CALLS, "ledger:read"),
    Role.DEPARTMENT_ADMIN: (*_CALLS, "ledger:read", "cluster:read"),
    Role.ADMIN: SCOPES,
    Role.SUPER_ADMIN: SCOPES,
}
ROLES: tuple[str, ...] = tuple(ROLE_SCOPES)
"""In rising order: nobody may act on somebody above."""

_BITS = {role: to_bits(scopes) for role, scopes in ROLE_SCOPES.items()}


def allowed_scopes(role: str) -> int:
    """Bits; none for a role that is not known."""
    return _BITS.get(role, 0)


def outranks(role: str, other: str) -> bool:
    return ROLES.index(role) > ROLES.index(other)
