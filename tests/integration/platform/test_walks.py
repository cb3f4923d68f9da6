"""What holds for all routes that read: pages, orders, the envelope, and few questions to the database."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import event, select

from tests.integration.platform.test_etags import change_of, things
from tests.support.control import Api, api
from tests.support.worlds import filled
from turnpike.control.app import create_app
from turnpike.control.db.models import Budget, BudgetCounter, BudgetSlice, Delivery, EventRow, LedgerRow
from turnpike.control.domains.budgets.truth import span_of
from turnpike.control.services import ControlServices
from turnpike.kit.clock import now_ms
from turnpike.kit.ids import new_id

MOST_QUERIES = 6
NOBODY = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
WHOLE = {
    "/api/v1/ai/providers/{provider}/credentials",
    "/api/v1/budgets/current",
    "/api/v1/flags/evaluated",
    "/api/v1/limits/counters",
    "/api/v1/policies/decisions/summary",
    "/api/v1/roles/permissions",
    "/api/v1/webhooks/event-types",
}
"""Of one thing or one caller: a handful, shown whole; the largest of sums; or a list that is the program's own."""
IN_TIME = {
    "/api/v1/audit/heads",
    "/api/v1/budgets/alerts",
    "/api/v1/budgets/{budget_id}/periods",
    "/api/v1/routes/{route_id}/versions",
}
"""The newest first, always."""
STREAMED = {
    "/api/v1/audit/export",
    "/api/v1/auth/me/export",
    "/api/v1/ledger/export",
    "/api/v1/users/{user_id}/export",
}
"""Read in batches while they are sent: as many questions as there are batches and kinds of things."""
ENDLESS = {"/api/v1/events"}
"""Its answer has no end to wait for."""
SIGN_IN = {"/api/v1/auth/login/{slug}", "/api/v1/auth/callback/{slug}"}
"""Need a provider of identities; tests/integration/signin has one."""
FOR_EVERY_CHANGE = 6
"""What every change writes besides: four of the audit log (its head, locked and moved on, the entry, its personal
part), and two for the other machines (the version, and what changed)."""
MORE = {"PATCH /api/v1/routes/{route_id}": 7}
"""It keeps the version before, and looks at all that the new one names."""
NO_QUESTIONS = ("BEGIN", "PRAGMA", "SELECT pg_advisory_xact_lock")
"""How a transaction begins: PostgreSQL takes with a statement the turn that SQLite's BEGIN waits for."""
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


def filled_in(path: str, found: dict[str, str]) -> str:
    if path in found:
        return found[path]
    for template, where in found.items():
        if path.startswith(template + "/"):
            return where + re.sub(r"{\w+}", NOBODY, path.removeprefix(template))
    return re.sub(r"{\w+}", NOBODY, path)


def required(operation: dict[str, Any]) -> dict[str, Any]:
    asked = {"by": "model", "providers": "acme"}
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
        where = filled_in(path, found)
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
        if found is not None and not statement.startswith(NO_QUESTIONS):
            found.append(statement)

    engines = {services.database.readers.sync_engine, services.database.writers.sync_engine}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", asked)
    yield
    for engine in engines:
        event.remove(engine, "before_cursor_execute", asked)


class Counted(Api):
    """A caller with a key that is known, as nearly all requests have one; every request is counted: how many questions
    to the database it took."""

    def __init__(self, http: httpx2.AsyncClient, services: ControlServices) -> None:
        super().__init__(http)
        self._services = services
        self.took: dict[str, int] = {}

    async def call(self, method: str, path: str, body: Any = None, **options: Any) -> httpx2.Response:
        # The change before this one may have let keys be forgotten.
        await self._services.keeper.refresh()
        await super().call("GET", "/api/v1/auth/me")
        statements: list[str] = []
        token = counted.set(statements)
        answer = await super().call(method, path, body, **options)
        counted.reset(token)
        self.took[f"{method} {path}"] = len(statements)
        return answer


@asynccontextmanager
async def counting_caller(services: ControlServices) -> AsyncIterator[Counted]:
    key = services.settings.first_key_file.read_text().strip()
    async with api(services, key) as admin:
        with counting(services):
            yield Counted(admin.http, services)


async def written(services: ControlServices) -> dict[str, str]:
    """Paths of what no route makes: a call in the ledger, and an event on its way to a receiver."""
    event_id = new_id()
    async with services.database.write() as session:
        session.add(filled(LedgerRow, event_id=UUID(event_id).bytes, started_at_ms=1))
        told = filled(EventRow, type="webhook.test", version=1, data={})
        session.add(told)
        await session.flush()
        sent = filled(Delivery, event_id=told.id, channel="webhook", receiver_id=NOBODY)
        session.add(sent)
        await session.flush()
        delivery_id = sent.id
    return {
        "/api/v1/ledger/{event_id}": f"/api/v1/ledger/{event_id}",
        "/api/v1/webhooks/deliveries/{delivery_id}": f"/api/v1/webhooks/deliveries/{delivery_id}",
        "/api/v1/audit/{seq}": "/api/v1/audit/1",
    }


async def test_a_read_asks_the_database_six_times_at_most(services: ControlServices, operator: Api) -> None:
    found = await places(operator) | await written(services)
    key_id = found["/api/v1/keys/{key_id}"].rpartition("/")[2]
    about = {"/api/v1/limits/counters": {"subject": "key", "name": key_id}}
    many: dict[str, int] = {}
    async with counting_caller(services) as admin:
        for path, operation in reads(services):
            if path in STREAMED | ENDLESS | SIGN_IN:
                continue
            where = filled_in(path, found)
            answer = await admin.get(where, params=required(operation) | about.get(path, {}))
            assert answer.status_code == 200, (path, answer.text)
            if admin.took[f"GET {where}"] > MOST_QUERIES:
                many[path] = admin.took[f"GET {where}"]
        assert sum(admin.took.values()) > 50, "the counting does not count"
    assert many == {}


async def test_a_change_asks_six_times_at_most_besides_what_every_change_writes(services: ControlServices) -> None:
    """Making one of each thing, and changing it."""
    app = create_app(services)
    async with counting_caller(services) as admin:
        found = await things(admin)
        took = dict(admin.took)
        for path, (where, change) in found.items():
            method = change_of(app, path)
            assert (await admin.call(method, where, change)).is_success, path
            took[f"{method} {path}"] = admin.took[f"{method} {where}"]
    assert len(took) > 40
    most = {path: MORE.get(path, MOST_QUERIES) + FOR_EVERY_CHANGE for path in took}
    assert {path: number for path, number in took.items() if number > most[path]} == {}


async def asked_for(operator: Api, path: str, **params: Any) -> tuple[list[Any], int]:
    """What is listed, and how many questions to the database it took."""
    statements: list[str] = []
    token = counted.set(statements)
    answer = await operator.get(path, params=params)
    counted.reset(token)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"], len(statements)


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
    with counting(services):
        one, few = await asked_for(operator, path, per_page=1)
        all_of_them, many = await asked_for(operator, path, per_page=100)
    assert (len(one), few) == (1, many)
    assert len(all_of_them) > 5


async def test_many_budgets_are_shown_in_as_few_questions_as_few(services: ControlServices, operator: Api) -> None:
    """Of every kind and period, with what is spent and lent of each."""
    found = await places(operator)
    key, user, department = (
        found[f"/api/v1/{kind}"].rpartition("/")[2]
        for kind in ("keys/{key_id}", "users/{user_id}", "departments/{department_id}")
    )
    subjects = {"key": key, "user": user, "department": department, "provider": "acme", "tag": "t", "gateway": ""}
    amounts: dict[str, tuple[str, str]] = {}
    periods: list[dict[str, Any]] = [
        *({"period": period} for period in ("day", "week", "total")),
        *({"period": "rolling", "rolling_hours": hours} for hours in (1, 2, 48)),
    ]
    for number, ((kind, subject), period) in enumerate(product(subjects.items(), periods), 1):
        body = {"kind": kind, "subject": subject, "amount_usd": "9", "time_zone": "Europe/Berlin", **period}
        made = await operator.data("POST", "/api/v1/budgets", body)
        amounts[made["id"]] = (f"{number / 1000:.3f}", f"{number / 100:.2f}")
    await spend(services, amounts)
    with counting(services):
        _, few = await asked_for(operator, "/api/v1/budgets", per_page=1)
        rows, many = await asked_for(operator, "/api/v1/budgets", per_page=500)
    assert many <= MOST_QUERIES
    assert few <= many
    shown = {row["id"]: (row["spent_usd"], row["reserved_usd"]) for row in rows if row["id"] in amounts}
    assert {each: tuple(map(float, sums)) for each, sums in shown.items()} == {
        each: tuple(map(float, sums)) for each, sums in amounts.items()
    }
    named = {row["kind"] for row in rows if row["subject_name"]}
    assert named >= {"key", "user", "department", "provider"}


async def spend(services: ControlServices, amounts: dict[str, tuple[str, str]]) -> None:
    """What is spent and lent of budgets, dollars of each; and as much in a period long gone."""
    async with services.database.write() as session:
        for row in (await session.scalars(select(Budget).where(Budget.id.in_(amounts)))).all():
            start_ms = span_of(row).of(now_ms())[0]
            spent, lent = (int(Decimal(text) * 10**9) for text in amounts[row.id])
            for start in (start_ms, start_ms - 10**10):
                if start < 0:
                    continue
                session.add(filled(BudgetCounter, budget_id=row.id, start_ms=start, spent_nanousd=spent))
                slices = {"budget_id": row.id, "start_ms": start, "granted_nanousd": lent + 5, "settled_nanousd": 5}
                session.add(filled(BudgetSlice, holder="relay", **slices))
                gone = {"granted_nanousd": 5, "settled_nanousd": 7}
                session.add(filled(BudgetSlice, **{**slices, **gone}, holder="done"))


async def test_many_counters_are_read_in_as_few_questions_as_few(services: ControlServices, operator: Api) -> None:
    key = (await operator.data("POST", "/api/v1/keys", {"name": "counted"}))["id"]
    about = {"subject": "key", "name": key}
    asked: list[int] = []
    for number in range(12):
        for rule in ({"resource": "requests", "window_s": 60}, {"resource": "concurrency"}):
            body = {**about, **rule, "amount": 100, "model": f"model-{number}"}
            await operator.data("PUT", "/api/v1/limits", body)
        with counting(services):
            rows, questions = await asked_for(operator, "/api/v1/limits/counters", **about)
        asked.append(questions)
    assert len(rows) >= 24
    assert len(set(asked)) == 1
    assert asked[0] <= MOST_QUERIES
