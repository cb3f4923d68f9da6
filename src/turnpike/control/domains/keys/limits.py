"""A key never grants more than its owner has, nor more than the key that makes or changes it."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from ipaddress import ip_network

from turnpike.contract.scopes import SCOPE_BIT, to_bits, to_names
from turnpike.control.rights.permissions import Rights
from turnpike.control.rights.roles import ADMIN_BIT, scopes_of
from turnpike.control.web.principal import Principal
from turnpike.errors import Forbidden, InvalidRequest, ScopeMissing


def check_scopes(actor: Principal, owner: Rights, owner_role: str, scopes: Sequence[str]) -> None:
    """Raises ScopeMissing."""
    beyond_owner = [name for name in scopes if not scopes_of(owner) & SCOPE_BIT[name]]
    if beyond_owner:
        raise ScopeMissing(
            f"The key's owner has the role {owner_role}, which cannot hold {', '.join(beyond_owner)}.",
            details={"param": "scopes", "allowed": to_names(scopes_of(owner))},
        )
    beyond_actor = [name for name in scopes if not actor.scopes & SCOPE_BIT[name]]
    if beyond_actor:
        raise ScopeMissing(
            f"Your own key does not have {', '.join(beyond_actor)}, so it cannot give it.",
            details={"param": "scopes", "allowed": to_names(actor.scopes)},
        )


def check_role(actor: Principal, owner: Rights, owner_role: str, role: Rights, scopes: Sequence[str]) -> None:
    """A key's own role. Raises ScopeMissing, or InvalidRequest beside the scope `admin`, which says it all already."""
    if to_bits(scopes) & ADMIN_BIT:
        raise InvalidRequest("A key has a role, or the scope admin, not both.", details={"param": "role"})
    if not owner.covers(role):
        raise ScopeMissing(
            f"The key's owner is a {owner_role}, who may not do all that this role may.", details={"param": "role"}
        )
    if not actor.rights.covers(role):
        raise ScopeMissing("You may not do all that this role may, so you cannot give it.", details={"param": "role"})


def check_models(actor: Principal, models: Sequence[str]) -> None:
    """Raises Forbidden. A pattern lies within another when it matches it letter for letter, its `*` among them."""
    if not actor.models:
        return
    beyond = [name for name in models if not any(_within(name, allowed) for allowed in actor.models)]
    if beyond or not models:
        raise Forbidden(
            f"Your own key is limited to the models {', '.join(actor.models)}; it cannot give more.",
            details={"param": "models"},
        )


def _within(pattern: str, allowed: str) -> bool:
    # Only `*` is a wildcard; fnmatch knows two more.
    escaped = allowed.replace("[", "[[]").replace("?", "[?]")
    return fnmatchcase(pattern, escaped)


def check_networks(actor: Principal, networks: Sequence[str]) -> None:
    """Raises Forbidden."""
    if not actor.networks:
        return
    own = [ip_network(text, strict=False) for text in actor.networks]
    inside = [_inside(text, own) for text in networks]
    if not all(inside) or not networks:
        raise Forbidden(
            f"Your own key is limited to the networks {', '.join(actor.networks)}; it cannot give more.",
            details={"param": "networks"},
        )


def check_denied(actor: Principal, denied: Sequence[str]) -> None:
    """Raises Forbidden when a network that the actor's own key is denied is not denied to this one."""
    given = [ip_network(text, strict=False) for text in denied]
    if not all(_inside(text, given) for text in actor.denied_networks):
        raise Forbidden(
            f"Your own key may not be used from {', '.join(actor.denied_networks)}; deny that here too.",
            details={"param": "denied_networks"},
        )


def _inside(text: str, own: Sequence[object]) -> bool:
    network = ip_network(text, strict=False)
    # Networks of another IP version are no part of each other; asking raises TypeError.
    return any(type(network) is type(outer) and network.subnet_of(outer) for outer in own)  # pyright: ignore[reportArgumentType] - of one version by then
