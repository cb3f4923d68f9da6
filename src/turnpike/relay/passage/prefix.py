"""Paths that begin with a provider's slug: `/my-vllm/v1/files`. What follows is that provider's API.

A call that the gateway answers itself is that call, kept at the named provider.
"""

from copy import copy
from typing import TYPE_CHECKING

from turnpike.relay.endpoints import Route, route_of
from turnpike.wire.passage.paths import Api, versioned

if TYPE_CHECKING:
    from turnpike.relay.catalog import Catalog
    from turnpike.relay.head import RequestHead

RESERVED = frozenset(
    (
        "api",
        "health",
        "metrics",
        "predict",
        "models",
        "stats",
        "ws",
        "docs",
        "assets",
        "v1",
        "v1beta",
        "v1alpha",
        "v2",
        "model",
        "upload",
    )
)
"""First words of the platform's own paths; a provider with such a slug has no prefix."""
_pinned: dict[tuple[Route, str], Route] = {}


def take_slug(catalog: "Catalog", head: "RequestHead") -> bool:
    """Reads the head anew without its slug. False when it begins with none."""
    word, slash, rest = head.path[1:].partition(b"/")
    slug = word.decode("latin-1")
    if not slash or not rest or slug in RESERVED or not catalog.has_slug(slug):
        return False
    head.prefix = slug
    head.path = versioned(Api.OPENAI, b"/" + rest)
    head.route = pinned(route_of(head.method, head.path), slug)
    head.is_call = head.route.is_call
    return True


def pinned(route: Route, slug: str) -> Route:
    """The same route, kept at one provider."""
    if route.endpoint is None:
        return route
    found = _pinned.get((route, slug))
    if found is None:
        found = _pinned[route, slug] = copy(route)
        found.provider = slug
        # Plans are remembered by label: those of one provider apart from those of all.
        found.label = f"/{slug}{route.label}"
    return found
