"""What went wrong in other gateways: each as a question that must be refused here."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select

from tests.integration.rights.conftest import caller_with
from tests.support.control import Api, api, make_key, make_user, running_control
from turnpike.control.app import create_app
from turnpike.control.db.models import ApiKey
from turnpike.control.domains.scim.provision import SCIM_CLIENT
from turnpike.control.rights.permissions import WHOLE, Permission
from turnpike.control.rights.roles import ROLE_RIGHTS
from turnpike.control.services import ControlServices
from turnpike.control.web.principal import ANY_KEY, PUBLIC
from turnpike.settings import Settings

SOME_ID = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
USERS = "/api/v1/users"
CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


@pytest.fixture
async def services(sqlite_settings: Settings) -> AsyncIterator[ControlServices]:
    """What is refused here is refused before any database is asked."""
    async with running_control(sqlite_settings) as running:
        yield running


class Declared(NamedTuple):
    path: str
    route: APIRoute
    permission: str


def declared(services: ControlServices) -> Iterator[Declared]:
    """All routes with their permission."""

    def permission(dependant: Any) -> str | None:
        found = getattr(dependant.call, "permission", None)
        return found or next((each for inner in dependant.dependencies if (each := permission(inner))), None)

    def walk(items: Any) -> Iterator[APIRoute]:
        for item in items:
            if isinstance(item, APIRoute):
                yield item
            elif (inner := getattr(item, "original_router", None)) is not None:
                yield from walk(inner.routes)

    app = create_app(services)
    documented = app.openapi()["paths"]
    for route in walk(app.routes):
        named = permission(route.dependant)
        assert named is not None, f"{route.path} declares no permission"
        # A router within a router knows its own part of the path only.
        whole = route.path if route.path in documented or not route.include_in_schema else f"/api/v1{route.path}"
        yield Declared(whole, route, named)


def test_every_route_declares_a_permission_of_the_list(services: ControlServices) -> None:
    known = {*Permission, PUBLIC, ANY_KEY, SCIM_CLIENT}
    assert {each.path for each in declared(services) if each.permission not in known} == set()


# ---- keys


async def test_sql_in_a_key_header_is_a_wrong_key(services: ControlServices) -> None:
    for text in (
        "tp-' OR '1'='1", 'tp-" OR 1=1 --', "tp-%", "tp-_", "tp-*", "tp-'; DROP TABLE api_keys; --", "tp-{{7*7}}",
        "tp-" + "a" * 600, "tp-\\x00", "tp-' UNION SELECT digest FROM api_keys --",
    ):  # fmt: skip
        for headers in ({"authorization": f"Bearer {text}"}, {"x-api-key": text}):
            async with api(services, **headers) as caller:
                answer = await caller.get(USERS)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), text


async def test_what_is_stored_of_a_key_is_no_key(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    async with services.database.read() as session:
        digest = bytes((await session.scalars(select(ApiKey.digest).where(ApiKey.id == made["id"]))).one())
    sha = hashlib.sha256(made["key"].encode()).hexdigest()
    known = [digest.hex(), base64.b64encode(digest).decode(), base64.urlsafe_b64encode(digest).decode(), sha]
    known += [made["prefix"], made["id"], made["key"][:-1], made["key"] + "A", made["key"].swapcase()]
    for text in [*known, *(f"tp-{each}" for each in known)]:
        async with api(services, text) as caller:
            assert (await caller.get("/api/v1/keys/current")).status_code == 401, text


async def test_keys_that_begin_alike_are_different_keys(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    async with api(services, made["key"]) as caller:
        assert (await caller.get("/api/v1/keys/current")).status_code == 200, "it is remembered now"
    for length in (10, 20, 40, 45):
        other = made["key"][:length] + "".join("B" if each == "A" else "A" for each in made["key"][length:])
        async with api(services, other) as caller:
            assert (await caller.get("/api/v1/keys/current")).status_code == 401, length


async def test_tokens_that_begin_alike_are_different_tokens(operator: Api, services: ControlServices) -> None:
    """All of one signing key begin with the same header, and those of one session with nearly the same claims."""
    await services.signin.tokens.ready()
    token, _ = await services.signin.tokens.make(SOME_ID, SOME_ID, 2**42)
    head, claims, signature = token.split(".")
    async with api(services, token) as caller:
        assert (await caller.get("/api/v1/auth/me")).status_code == 401, "of no session"
    for forged in (f"{head}.{claims}.{signature[::-1]}", f"{head}.{claims}.", f"{head}.{claims}"):
        async with api(services, forged) as caller:
            assert (await caller.get("/api/v1/auth/me")).status_code == 401


# ---- routes


MISLEADING: list[dict[str, str]] = [
    {"host": "localhost"},
    {"host": "admin.internal/api/v1/health?"},
    {"host": "127.0.0.1:8080#/api/v1/health"},
    {"x-forwarded-host": "localhost", "x-forwarded-prefix": "/api/v1/health"},
    {"x-original-url": "/api/v1/health", "x-rewrite-url": "/api/v1/health"},
    {"x-http-method-override": "OPTIONS", "x-method-override": "OPTIONS"},
    {"x-turnpike-operator": "root"},
    {"forwarded": "for=127.0.0.1;host=localhost"},
]


async def test_no_header_chooses_the_route_or_opens_it(operator: Api, services: ControlServices) -> None:
    async with caller_with(operator, services, "user") as (caller, _):
        for headers in MISLEADING:
            async with api(services, **headers) as stranger:
                answer = await stranger.get(USERS)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED"), headers
            assert (await caller.get(USERS, headers=headers)).status_code == 403, headers


async def test_the_host_header_stands_in_no_link(operator: Api) -> None:
    user = await make_user(operator)
    answer = await operator.post("/api/v1/auth/links", {"user_id": user}, headers={"host": "evil.example"})
    assert answer.status_code == 201
    assert "evil" not in answer.text


@pytest.mark.parametrize("role", ["user", "department_admin"])
async def test_what_a_role_does_not_hold_is_changed_by_nobody_who_has_it(
    operator: Api, services: ControlServices, role: str
) -> None:
    """Settings without a role, and all else of the kind: every changing route, whatever it is sent."""
    asked = 0
    async with caller_with(operator, services, role) as (caller, _):
        for whole, route, named in declared(services):
            if named in {PUBLIC, ANY_KEY, SCIM_CLIENT} or ROLE_RIGHTS[role].reach(Permission(named)) is not None:
                continue
            path = re.sub(r"{[^}]+}", SOME_ID, whole)
            for method in sorted((route.methods or set()) & CHANGING):
                answer = await caller.call(method, path, {})
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_MISSING"), (method, path)
                asked += 1
    assert asked > 30
    assert not WHOLE & {each for each in Permission if ROLE_RIGHTS["user"].reach(each)}


# ---- bodies and searches


def test_every_body_refuses_fields_that_are_not_its_own(services: ControlServices) -> None:
    document = create_app(services).openapi()
    schemas: dict[str, Any] = document["components"]["schemas"]

    def resolve(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            yield name, schemas[name]
        for inner in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from resolve(inner)

    open_ones: set[str] = set()
    for operations in document["paths"].values():
        for operation in operations.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                for name, schema in resolve(content["schema"]):
                    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
                        open_ones.add(name)
    # A form that an issuer posts to us, with whatever fields it likes.
    assert {name for name in open_ones if not name.startswith("Body_")} == set()


async def test_a_key_is_not_reassigned_by_a_field_on_the_sly(operator: Api) -> None:
    made = await make_key(operator)
    path = f"/api/v1/keys/{made['id']}"
    for field in ("id", "user_id", "digest", "prefix", "rights", "created_by", "revoked_at_ms", "sealed_key"):
        answer = await operator.patch(path, {"name": "n", field: SOME_ID})
        assert (answer.status_code, answer.json()["error"]["details"]["param"]) == (400, field)
    assert (await operator.data("GET", path))["name"] == "k"


@pytest.fixture
async def administrator(services: ControlServices) -> AsyncIterator[Api]:
    async with api(services, services.settings.first_key_file.read_text().strip()) as caller:
        yield caller


async def test_wildcards_mean_themselves_in_every_search(administrator: Api, services: ControlServices) -> None:
    searched = 0
    for whole, route, _ in declared(services):
        takes = {parameter.alias for parameter in route.dependant.query_params}
        if "GET" not in (route.methods or ()) or "search" not in takes or "{" in whole:
            continue
        for text in ("%", "_%", "%%"):
            assert await administrator.data("GET", whole, params={"search": text}) == [], (whole, text)
        searched += 1
    assert searched >= 6
