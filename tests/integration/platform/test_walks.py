"""What holds for all routes that read: pages, orders, the envelope, and few questions to the database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import pytest
from sqlalchemy import event

from tests.integration.platform.test_etags import things
from tests.support.control import Api, api
from turnpike.control.app import create_app
from turnpike.control.services import ControlServices

MOST_QUERIES = 6
NOBODY = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
WHOLE = {
    "/api/v1/ai/providers/{provider}/credentials",
    "/api/v1/budgets/current",
    "/api/v1/flags/evaluated",
    "/api/v1/limits/counters",
    "/api/v1/policies/decisions/summary",
}
"""Of one thing or one caller: a handful, shown whole; or the largest of sums."""
IN_TIME = {
    "/api/v1/audit/heads",
    "/api/v1/budgets/alerts",
    "/api/v1/budgets/{budget_id}/periods",
    "/api/v1/routes/{route_id}/versions",
}
"""The newest first, always."""
SIGNED_IN = {"/api/v1/auth/me/export"}
"""Refused to a key."""
STREAMED = {"/api/v1/audit/export", "/api/v1/ledger/export"}
"""Read in batches while they are sent: as many questions as there are batches."""
counted: ContextVar[list[str] | None] = ContextVar("counted", default=None)


def reads(services: ControlServices) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, operations in create_app(services).openapi()["paths"].items():
        if "get" in operations:
            yield path, operations["get"]


def is_list(operation: dict[str, Any]) -> bool:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    return "Envelope_list" in content.get("schema", {}).get("$ref", "")


async def places(operator: Api) -> dict[str, str]:
    """Paths of things that are there, by template; of what has none, an id that nobody has."""
    return {path: where for path, (where, _) in (await things(operator)).items()}


def filled(path: str, found: dict[str, str]) -> str:
    if path in found:
        return found[path]
    for template, where in found.items():
        if path.startswith(template + "/"):
            return where + re.sub(r"{\w+}", NOBODY, path.removeprefix(template))
    return re.sub(r"{\w+}", NOBODY, path)


def required(operation: dict[str, Any]) -> dict[str, Any]:
    asked = {"by": "model", "providers": "acme", "subject": "tier", "name": "standard"}
    return {
        each["name"]: asked.get(each["name"], each["example"])
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each.get("required")
    }


async def test_every_list_has_pages_and_an_order(services: ControlServices, operator: Api) -> None:
    found = await places(operator)
    key = services.settings.first_key_file.read_text().strip()
    async with api(services, key) as admin:
        await look_at_lists(services, admin, found)


async def look_at_lists(services: ControlServices, operator: Api, found: dict[str, str]) -> None:
    seen = 0
    for path, operation in reads(services):
        if not is_list(operation) or path in WHOLE:
            continue
        seen += 1
        names = {each["name"] for each in operation["parameters"]}
        assert {"page", "per_page"} <= names, path
        where = filled(path, found)
        answer = await operator.get(where, params={"per_page": 1, "page": 1})
        assert answer.status_code == 200, (path, answer.text)
        meta = answer.json()["meta"]["pagination"]
        assert list(meta) == ["page", "per_page", "total", "pages"], path
        assert len(answer.json()["data"]) == min(1, meta["total"]), path
        beyond = await operator.get(where, params={"page": 1000})
        assert (beyond.status_code, beyond.json()["data"]) == (200, []), path
        for wrong in ({"page": 0}, {"per_page": 501}, {"page": "x"}):
            assert (await operator.get(where, params=wrong)).status_code == 400, (path, wrong)
        if path in IN_TIME:
            continue
        assert "sort" in names, path
        refused = await operator.get(where, params={"sort": "no_such_field"})
        assert (refused.status_code, refused.json()["error"]["details"]["param"]) == (400, "sort"), path
        named = re.findall(r"(?:take one of |be ')(\w+)", refused.json()["message"])
        assert named, (path, refused.json()["message"])
        field = named[0]
        assert (await operator.get(where, params={"sort": f"-{field}"})).status_code == 200, path
    assert seen > 15


@contextmanager
def counting(services: ControlServices) -> Iterator[None]:
    def asked(_: Any, __: Any, statement: str, *___: Any) -> None:
        found = counted.get()
        if found is not None and not statement.startswith(("BEGIN", "PRAGMA")):
            found.append(statement)

    engines = {services.database.readers.sync_engine, services.database.writers.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", asked)
    yield
    for engine in engines:
        event.remove(engine, "before_cursor_execute", asked)


async def test_a_read_asks_the_database_six_times_at_most(services: ControlServices, operator: Api) -> None:
    """Asked with a key that is known, as nearly all requests are."""
    found = await places(operator)
    many: dict[str, list[str]] = {}
    total = 0
    key = services.settings.first_key_file.read_text().strip()
    async with api(services, key) as admin:
        await admin.get("/api/v1/auth/me")
        with counting(services):
            for path, operation in reads(services):
                statements: list[str] = []
                token = counted.set(statements)
                answer = await admin.get(filled(path, found), params=required(operation))
                counted.reset(token)
                expected = {403} if path in SIGNED_IN else {200, 302, 404, 400}
                assert answer.status_code in expected, (path, answer.text)
                total += len(statements)
                if len(statements) > MOST_QUERIES and path not in STREAMED:
                    many[path] = statements
    assert total > 50, "the counting does not count"
    assert many == {}, {path: len(statements) for path, statements in many.items()}


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/keys", "/api/v1/ai/models", "/api/v1/ai/providers"])
async def test_a_longer_list_asks_no_more(services: ControlServices, operator: Api, path: str) -> None:
    await things(operator)
    for number in range(5):
        user = (await operator.data("POST", "/api/v1/users", {"display_name": f"u{number}"}))["id"]
        await operator.data("POST", "/api/v1/keys", {"name": f"k{number}", "user_id": user})
        await operator.data("POST", "/api/v1/ai/models", {"provider": "acme", "name": f"m{number}"})
        await operator.data(
            "POST",
            "/api/v1/ai/providers",
            {"name": f"p{number}", "slug": f"p{number}", "api_base_url": "https://p.example.com/v1"},
        )
    sizes: list[int] = []
    with counting(services):
        for per_page in (1, 100):
            statements: list[str] = []
            token = counted.set(statements)
            assert (await operator.get(path, params={"per_page": per_page})).status_code == 200
            counted.reset(token)
            sizes.append(len(statements))
    assert sizes[0] == sizes[1]
