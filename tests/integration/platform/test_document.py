"""The OpenAPI document says everything that a caller has to know, and its examples are true."""

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema_rs
import pytest

from tests.support.control import api, running_control
from turnpike.control.app import create_app
from turnpike.control.services import ControlServices
from turnpike.control.web.database import transacting, writing
from turnpike.control.web.routes import CHANGING, calls_of, changed_paths, permission_of, routes_of
from turnpike.settings import Settings

BODIES = {"application/json", "application/x-www-form-urlencoded"}


@pytest.fixture
async def services(sqlite_settings: Settings) -> Any:
    async with running_control(sqlite_settings) as running:
        yield running


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolved(document: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    reference = answer.get("$ref")
    return document["components"]["responses"][reference.rpartition("/")[2]] if reference else answer


async def test_every_operation_is_described(services: ControlServices) -> None:
    document = create_app(services).openapi()
    assert document["openapi"].startswith("3.1")
    known_tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for method, path, operation in operations(document):
        where = (method, path)
        assert operation["summary"], where
        assert len(operation["description"]) > 20, where
        assert operation["x-permission"], where
        assert operation["tags"], where
        assert set(operation["tags"]) <= known_tags, f"{where}: describe its tag in web/document.py"
        assert re.fullmatch(r"[a-z][a-z0-9_-]+", operation["operationId"]), where
        for parameter in operation.get("parameters", ()):
            assert "example" in parameter, (where, parameter["name"])
    assert not {name for name in document["components"]["schemas"] if "turnpike__" in name or "HTTPValidation" in name}


async def test_every_operation_documents_its_errors(services: ControlServices) -> None:
    app = create_app(services)
    document = app.openapi()
    tagged = changed_paths(app)
    routes = {(method, route.path_format): route for route in routes_of(app) for method in route.methods}
    for method, path, operation in operations(document):
        route = routes[method, path]
        expected = {"400", "403", "429", "503"}
        expected |= {"401"} if permission_of(route) != "public" else set()
        expected |= {"404"} if "{" in path else set()
        expected |= {"409", "413"} if method != "GET" else set()
        expected |= {"412", "428"} if path in tagged and method in CHANGING else set()
        writes = not {writing, transacting}.isdisjoint(calls_of(route.dependant))
        keyed = method == "POST" and writes and permission_of(route) != "public"
        expected |= {"422"} if keyed else set()
        assert expected <= set(operation["responses"]), (method, path)
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        assert ("Idempotency-Key" in headers) == keyed, (method, path)
        for status, answer in operation["responses"].items():
            shown = resolved(document, answer)
            assert shown["description"], (method, path, status)
            if status >= "400":
                assert shown["content"]["application/json"]["example"]["success"] is False, (method, path, status)


async def test_every_example_fits_its_schema(services: ControlServices) -> None:
    document = create_app(services).openapi()
    components = {"components": document["components"]}
    wrong: list[str] = []
    failures: set[str] = set()

    def look(where: str, media: dict[str, Any]) -> None:
        schema = media["schema"]
        if "$ref" in str(schema):
            schema = {**components, **schema}
        error = next(jsonschema_rs.validator_for(schema).iter_errors(media["example"]), None)
        if error is not None:
            wrong.append(f"{where}: {error.message[:200]} in {str(media['example'])[:200]}")

    for method, path, operation in operations(document):
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            assert "example" in media, (method, path)
            if kind in BODIES:
                look(f"{method} {path}, asked", media)
        for status, answer in operation["responses"].items():
            for kind, media in resolved(document, answer).get("content", {}).items():
                assert "example" in media, (method, path, status)
                if kind == "application/json" and media.get("schema") and (status < "400" or status not in failures):
                    failures.add(status)  # one of each: they are the same everywhere
                    look(f"{method} {path}, {status}", media)
        for parameter in operation.get("parameters", ()):
            look(f"{method} {path}, {parameter['name']}", parameter)
    assert wrong == []


async def test_the_pages_of_the_document_come_from_here_alone(services: ControlServices) -> None:
    async with api(services, **{"x-nothing": "1"}) as browser:
        page = await browser.get("/api/v1/docs")
        addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert len(addresses) == 3
        for address in addresses:
            assert "//" not in address
            found: httpx2.Response = await browser.get(f"/api/v1/{address}")
            assert found.status_code == 200, address
            assert len(found.content) > 500, address
        bundle = next(each for each in addresses if each.endswith(".js"))
        assert (await browser.get(f"/api/v1/{bundle}")).headers["content-type"].startswith("text/javascript")
        assert "url: 'openapi.json'" in page.text
        assert "'unsafe-inline'" not in page.headers["content-security-policy"].partition("script-src")[2].split(";")[0]
        assert (await browser.get("/api/v1/docs/..%2f__init__.py")).status_code == 404
        assert (await browser.get("/api/v1/docs/other.js")).status_code == 404
