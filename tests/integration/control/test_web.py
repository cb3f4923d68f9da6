"""What holds for every route: the envelope, errors, request ids, permissions, secrets."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tests.support.control import (
    BASE,
    SECRET,
    api,
    make_key,
    make_model,
    make_provider,
    make_user,
    running_control,
)
from turnpike.control.app import ROUTERS, create_app
from turnpike.control.db.models import Credential, Department
from turnpike.control.domains.scim.provision import MayProvision
from turnpike.control.rights.permissions import Permission
from turnpike.control.services import ControlServices
from turnpike.control.web.database import Writing
from turnpike.control.web.principal import ANY_KEY, PUBLIC, Public
from turnpike.settings import Settings

PUBLIC_PATHS = {
    "/api/v1/health",
    "/api/v1/auth/methods",
    "/api/v1/auth/login",
    "/api/v1/auth/login/{slug}",
    "/api/v1/auth/callback/{slug}",
    "/api/v1/auth/backchannel-logout/{slug}",
    "/api/v1/auth/refresh",
    "/api/v1/auth/links/use",
    "/api/v1/invitations/accept",
    "/api/v1/auth/jwks",
    "/.well-known/jwks.json",
}
"""For everyone: how one comes in, and what tells whether the gateway is well."""
ID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-7")


@pytest.fixture
async def services(sqlite_settings: Settings) -> Any:
    async with running_control(sqlite_settings) as running:
        yield running


def permissions(route: APIRoute) -> list[str]:
    def walk(dependant: Any) -> Iterator[str]:
        permission = getattr(dependant.call, "permission", None)
        if permission is not None:
            yield permission
        for inner in dependant.dependencies:
            yield from walk(inner)

    return list(walk(route.dependant))


def routes(services: ControlServices) -> list[APIRoute]:
    found: list[APIRoute] = []

    def walk(items: Any) -> None:
        for item in items:
            if isinstance(item, APIRoute):
                found.append(item)
            elif (inner := getattr(item, "original_router", None)) is not None:
                walk(inner.routes)

    walk(create_app(services).routes)
    return found


async def test_every_route_names_one_permission(services: ControlServices) -> None:
    seen = {f"{sorted(route.methods)} {route.path} {route.name}": permissions(route) for route in routes(services)}
    documented = create_app(services).openapi()["paths"]
    assert len(seen) == sum(len(operations) for operations in documented.values()) + 5, "all, the pages, and SCIM"
    assert {path: names for path, names in seen.items() if len(names) != 1} == {}
    known = {*Permission, PUBLIC, ANY_KEY, MayProvision.permission}
    assert {path: names for path, names in seen.items() if names[0] not in known} == {}
    pages = {"/", "/welcome", "/api/v1/docs", "/api/v1/docs/{name}"}
    assert {path.split(" ")[1] for path, names in seen.items() if names == [PUBLIC]} == PUBLIC_PATHS | pages


async def test_every_route_but_the_public_ones_asks_for_a_key(services: ControlServices) -> None:
    services.settings = services.settings.model_copy(update={"metrics_open": False})
    async with api(services, **{"x-nothing": "1"}) as stranger:
        for whole, operations in create_app(services).openapi()["paths"].items():
            path = re.sub(r"{[^}]+}", "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5", whole)
            for method in operations:
                answer = await stranger.call(method.upper(), path)
                # /metrics is closed by the setting metrics_open; see tests/integration/ledger/test_metrics.py.
                if whole in PUBLIC_PATHS:
                    assert answer.status_code in {200, 302, 400, 404, 415}, (method, path, answer.text)
                else:
                    assert answer.status_code == 401, (method, path, answer.text)


# ---- who is asking


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer {key}"},
        {"authorization": "bearer {key}"},
        {"x-api-key": "{key}"},
    ],
)
async def test_a_key_comes_in_either_header(services: ControlServices, first_key: str, headers: dict[str, str]) -> None:
    sent = {name: value.format(key=first_key) for name, value in headers.items()}
    async with api(services, **sent) as caller:
        assert (await caller.get("/api/v1/keys/current")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"x-nothing": "1"},
        {"authorization": "Basic dHA6dHA="},
        {"authorization": "Bearer"},
        {"authorization": "Bearer sk-other"},
        {"authorization": "Bearer tp-" + "x" * 43},
        {"x-api-key": "tp-" + "y" * 5000},
        {"x-turnpike-operator": "true"},
    ],
)
async def test_no_good_key_is_401_without_an_echo(services: ControlServices, headers: dict[str, str]) -> None:
    async with api(services, **headers) as caller:
        answer = await caller.get("/api/v1/keys")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["www-authenticate"] == "Bearer"
    for value in headers.values():
        assert value.split(" ")[-1] not in answer.text or len(value) < 8


@pytest.mark.parametrize(
    ("address", "status"),
    [("10.1.2.3", 200), ("192.0.2.9, 10.1.2.3", 200), ("10.1.2.3, 192.0.2.9", 403), ("nobody", 403)],
)
async def test_a_key_of_named_networks_works_from_there_only(
    services: ControlServices, address: str, status: int
) -> None:
    async with api(services) as operator:
        made = await make_key(operator, networks=["10.0.0.0/8"])
    async with api(services, made["key"], **{"x-forwarded-for": address}) as caller:
        assert (await caller.get("/api/v1/keys/current")).status_code == status


# ---- the envelope


async def test_answers_have_the_envelope(services: ControlServices) -> None:
    async with api(services) as operator:
        one = (await operator.get("/api/v1/health")).json()
        many = (await operator.get("/api/v1/keys")).json()
    assert list(one) == ["success", "data", "message", "error", "meta"]
    assert (one["success"], one["error"], list(one["meta"])) == (True, None, ["request_id"])
    assert many["meta"]["pagination"] == {"page": 1, "per_page": 50, "total": 1, "pages": 1}
    assert re.match(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", many["data"][0]["created_at"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing/here", 404, "NOT_FOUND"),
        ("GET", "/api/v1/keys/01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5", 404, "NOT_FOUND"),
        ("GET", "/api/v1/keys/not-an-id", 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/keys?per_page=0", 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/keys?page=99999999999999999999", 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/keys?search=%00", 400, "INVALID_REQUEST"),
        ("GET", "/api/v1/ai/providers/%00", 400, "INVALID_REQUEST"),
        ("DELETE", "/api/v1/keys", 405, "METHOD_NOT_ALLOWED"),
    ],
)
async def test_failures_have_the_envelope(
    services: ControlServices, method: str, path: str, status: int, code: str
) -> None:
    async with api(services) as operator:
        answer = await operator.call(method, path)
    body = answer.json()
    assert (answer.status_code, body["success"], body["data"], body["error"]["code"]) == (status, False, None, code)
    assert body["message"] == body["error"]["message"]
    assert body["error"]["request_id"] == body["meta"]["request_id"] == answer.headers["x-request-id"]
    assert datetime.fromisoformat(body["error"]["timestamp"])


async def test_json_that_is_none_is_told_with_its_position(services: ControlServices) -> None:
    async with api(services) as operator:
        answer = await operator.http.post(
            "/api/v1/keys", content=b'{"name": }', headers={"content-type": "application/json"}
        )
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["details"]) == (400, "INVALID_JSON", {"position": 9})


@pytest.mark.parametrize("content", [b'{"name": "\xff"}', b'{"name": "\\ud800"}', b"[]", b"1", b'"x"', b"\x00" * 50])
async def test_odd_bodies_are_400(services: ControlServices, content: bytes) -> None:
    async with api(services) as operator:
        answer = await operator.http.post(
            "/api/v1/departments", content=content, headers={"content-type": "application/json"}
        )
    assert answer.status_code == 400, answer.text


async def test_every_wrong_field_is_named_and_no_value_repeated(services: ControlServices) -> None:
    async with api(services) as operator:
        answer = await operator.post(
            "/api/v1/ai/providers",
            {"name": "", "slug": "A B", "shared_api_key": SECRET * 2_000, "sort_order": "many", "extra": 1},
        )
    fields = [entry["field"] for entry in answer.json()["error"]["details"]["errors"]]
    assert sorted(fields) == ["extra", "name", "shared_api_key", "slug", "sort_order"]
    assert SECRET not in answer.text


@pytest.mark.parametrize("given", ["abc-123", "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"])
async def test_a_given_request_id_is_taken(services: ControlServices, given: str) -> None:
    async with api(services, **{"x-request-id": given}) as caller:
        answer = await caller.get("/api/v1/health")
    assert answer.headers["x-request-id"] == answer.json()["meta"]["request_id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 200, 'quote"', "<script>"])
async def test_an_odd_request_id_is_replaced(services: ControlServices, given: str) -> None:
    async with api(services, **{"x-request-id": given}) as caller:
        assert ID.match((await caller.get("/api/v1/health")).headers["x-request-id"])


async def test_a_fault_of_ours_is_answered_with_a_request_id_and_no_trace(
    services: ControlServices, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = APIRouter()

    @broken.get("/broken", dependencies=[Depends(Public())])
    async def fail() -> None:
        raise ZeroDivisionError("inner words")

    app = create_app(services, [*ROUTERS, broken])
    transport = httpx2.ASGITransport(app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, trust_env=False) as http:
        answer = await http.get("/broken")
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (500, "INTERNAL")
    assert "inner words" not in answer.text
    assert "Traceback" not in answer.text
    logged = capsys.readouterr().out
    assert "ZeroDivisionError" in logged
    assert body["error"]["request_id"] in logged


async def test_a_commit_that_fails_is_an_error_answer(services: ControlServices) -> None:
    """The transaction ends before the answer leaves: nobody is told of something that was not stored."""
    late = APIRouter()

    @late.post("/late", dependencies=[Depends(Public())])
    async def store(session: Writing) -> dict[str, str]:
        session.add_all([Department(name="same"), Department(name="same")])
        return {"stored": "yes"}

    transport = httpx2.ASGITransport(create_app(services, [late]), raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url=BASE, trust_env=False) as http:
        answer = await http.post("/late")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    async with services.database.read() as session:
        assert (await session.scalars(select(Department))).all() == []
    assert issubclass(IntegrityError, Exception)


# ---- documents


async def test_the_openapi_document_is_whole(services: ControlServices) -> None:
    async with api(services) as caller:
        document = (await caller.get("/api/v1/openapi.json")).json()
        docs = await caller.get("/api/v1/docs")
        page = await caller.get("/")
    assert {"/api/v1/keys", "/api/v1/ai/providers/{provider}/sync-models"} <= set(document["paths"])
    operations = [one for path in document["paths"].values() for one in path.values()]
    assert len({one["operationId"] for one in operations}) == len(operations)
    assert docs.status_code == 200
    assert "text/html" in page.headers["content-type"]
    assert "/api/v1/docs" in page.text


# ---- secrets


async def test_no_answer_and_no_log_line_holds_a_secret(
    services: ControlServices, first_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    personal = "sk-personal-personal-personal-5555"
    second = "sk-second-second-second-second-6666"
    async with api(services) as operator:
        await make_provider(operator, shared_api_key=SECRET)
        await operator.data("POST", "/api/v1/ai/providers/acme/credentials", {"label": "b", "api_key": second})
        model = await make_model(operator, "acme", "m")
        made = await make_key(operator, user_id=await make_user(operator))
        async with api(services, made["key"]) as person:
            await person.put("/api/v1/ai/providers/acme/settings", {"personal_api_key": personal})
            for path in ("/api/v1/ai/providers", "/api/v1/ai/providers/acme", "/api/v1/ai/providers/acme/settings"):
                await person.get(path)
            await person.put("/api/v1/ai/providers/acme/settings", {"personal_api_key": personal, "no": 1})
        for path in (
            "/api/v1/ai/providers", "/api/v1/ai/providers/acme", "/api/v1/ai/providers/acme/credentials",
            "/api/v1/ai/models", f"/api/v1/ai/models/{model['id']}", "/api/v1/keys", "/api/v1/users", "/api/v1/health",
        ):  # fmt: skip
            assert (await operator.get(path)).status_code == 200
        await operator.patch("/api/v1/ai/providers/acme", {"shared_api_key": SECRET, "slug": "BAD SLUG"})
        await operator.patch("/api/v1/ai/providers/acme", {"shared_api_key": SECRET})
        await operator.post("/api/v1/ai/providers/acme/test", {"api_key": second})
        answers = "\n".join(operator.answers + person.answers)
    captured = capsys.readouterr()
    everything = answers.replace(made["key"], "", 1) + captured.out + captured.err
    for secret in (SECRET, second, personal, first_key, made["key"]):
        assert secret not in everything
    async with services.database.read() as session:
        rows = (await session.scalars(select(Credential))).all()
    stored = json.dumps([[row.sealed, row.hint, row.label] for row in rows])
    assert len(rows) == 3
    assert not any(secret in stored for secret in (SECRET, second, personal))
