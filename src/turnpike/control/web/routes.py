"""Every route of the application, as it was declared: for what has to hold for all of them."""

from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

CHANGING = frozenset(("PUT", "PATCH", "DELETE"))


def routes_of(app: FastAPI) -> Iterator[APIRoute]:
    yield from _walk(app.routes)


def _walk(items: Iterable[Any]) -> Iterator[APIRoute]:
    for item in items:
        if isinstance(item, APIRoute):
            yield item
        elif (inner := getattr(item, "original_router", None)) is not None:
            yield from _walk(inner.routes)


def calls_of(dependant: Dependant) -> Iterator[Any]:
    """What a route depends on, in the order in which it is asked."""
    for inner in dependant.dependencies:
        yield from calls_of(inner)
        yield inner.call


def permission_of(route: APIRoute) -> str | None:
    for call in calls_of(route.dependant):
        permission = getattr(call, "permission", None)
        if permission is not None:
            return permission
    return None


def changed_paths(app: FastAPI) -> frozenset[str]:
    """Templates of paths whose resource can be read and changed: what has an ETag."""
    methods: dict[str, set[str]] = {}
    for route in routes_of(app):
        methods.setdefault(route.path, set()).update(route.methods or ())
    return frozenset(path for path, known in methods.items() if "GET" in known and known & CHANGING and _is_one(path))


def _is_one(path: str) -> bool:
    """`DELETE /auth/sessions` ends many: a list is no single resource. Provisioning has versions of its own."""
    return path not in _LISTS and path.startswith("/api/")


_LISTS = frozenset(("/api/v1/auth/sessions", "/api/v1/limits"))
