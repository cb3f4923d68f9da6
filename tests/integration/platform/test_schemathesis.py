"""The whole OpenAPI document, asked by Schemathesis as each role: what is not in the document is not answered.

TURNPIKE_TEST_EXAMPLES=20 asks each operation twenty times as much.
"""

import os
import re
import warnings
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as asked
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from tests.support.served import Served, served
from turnpike.contract.scopes import SCOPES
from turnpike.control.app import create_app
from turnpike.settings import Settings

TIMES = int(os.environ.get("TURNPIKE_TEST_EXAMPLES", "1"))
EXAMPLES = {"user": 1, "department_admin": 1, "admin": 1, "super_admin": 2}
HIDDEN = "belongs-to-somebody-else"
"""In the names of what a plain user is not to see."""
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
NOBODY = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
LAST = ("/current/rotate", "/auth/logout", "/maintenance", "/auth/sessions", "/require_if_match")
"""What may end the caller's own way in comes at the end."""
ENDLESS = "/api/v1/events"
"""Its answer has no end to wait for; tests/integration/events reads it."""


def real_parameters(server: Served) -> dict[str, str]:
    """Ids of things that are there, by the names that paths have for them."""
    make = server.operator
    department = make("POST", "/api/v1/departments", {"name": f"department {HIDDEN}"})
    user = make("POST", "/api/v1/users", {"display_name": f"user {HIDDEN}", "department_id": department["id"]})
    provider = {"name": "Acme", "slug": "acme", "api_base_url": "https://acme.example.com/v1"}
    make("POST", "/api/v1/ai/providers", provider)
    model = make("POST", "/api/v1/ai/models", {"provider": "acme", "name": "gpt-4o-mini"})
    key = make("POST", "/api/v1/keys", {"name": f"key {HIDDEN}", "user_id": user["id"]})
    budget = make("POST", "/api/v1/budgets", {"kind": "gateway", "amount_usd": 5, "period": "day"})
    route = {"name": "r", "rules": [{"groups": [[{"model": "gpt-4o-mini"}]]}]}
    route_id = make("POST", "/api/v1/routes", route)["id"]
    make("POST", "/api/v1/flags", {"name": "editor", "default": False})
    make("PUT", "/api/v1/tiers/gold", {})
    return {
        "department_id": department["id"], "user_id": user["id"], "provider": "acme", "model_id": model["id"],
        "key_id": key["id"], "budget_id": budget["id"], "route_id": route_id, "flag": "editor",
        "name": "api_key_lifetime_days", "seq": "1",
    }  # fmt: skip


def caller(server: Served, role: str) -> dict[str, str]:
    user = server.operator("POST", "/api/v1/users", {"display_name": f"the {role}", "role": role})
    scopes = [name for name in SCOPES if name != "admin" or (role.endswith("admin") and role != "department_admin")]
    try:
        made = server.operator("POST", "/api/v1/keys", {"name": "k", "user_id": user["id"], "scopes": scopes})
    except AssertionError:
        made = server.operator("POST", "/api/v1/keys", {"name": "k", "user_id": user["id"]})
    return {"authorization": f"Bearer {made['key']}"}


def order(path: str) -> tuple[bool, str]:
    return any(word in path for word in LAST), path


@pytest.mark.parametrize("role", list(EXAMPLES))
def test_no_answer_but_those_of_the_document(sqlite_settings: Settings, role: str) -> None:
    with served(sqlite_settings) as server:
        document = create_app(server.services).openapi()
        config = SchemathesisConfig.from_dict({"base-url": server.url})
        schema = schemathesis.openapi.from_dict(document, config=config)
        real, headers = real_parameters(server), caller(server, role)
        problems: dict[str, str] = {}
        operations = [each for result in schema.get_all_operations() if (each := result.ok()).path != ENDLESS]
        for operation in sorted(operations, key=lambda each: order(each.path)):
            label = f"{operation.method.upper()} {operation.path}"
            known = {name: real.get(name, NOBODY) for name in re.findall(r"{(\w+)}", operation.path)}
            body = example_body(document, operation.path, operation.method)
            for case in cases(operation, EXAMPLES[role] * TIMES, known, body):
                try:
                    probe(case, headers, hidden=role == "user")
                except (Failure, FailureGroup, AssertionError) as error:
                    problems.setdefault(label, str(error)[:1500])
        assert problems == {}, "\n\n".join(f"{label}\n{text}" for label, text in problems.items())


def example_body(document: dict[str, Any], path: str, method: str) -> Any:
    content = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def cases(operation: Any, count: int, known: dict[str, str], body: Any) -> list[Any]:
    """The document's own example at a thing that is there, and then what Schemathesis thinks of."""
    found: list[Any] = []
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    fixed = operation.as_strategy(path_parameters=known or None)
    drawn = strategies.one_of(fixed, *(operation.as_strategy(generation_mode=mode) for mode in modes))

    @given(case=drawn)
    @asked(
        max_examples=count + 1, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def gather(case: Any) -> None:
        found.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gather()
    if body is not None and found:
        case = operation.Case(path_parameters=known, body=body, media_type="application/json")
        found.insert(0, case)
    return found


def probe(case: Any, headers: dict[str, str], *, hidden: bool) -> None:
    response = case.call(headers=headers, allow_redirects=False)
    assert response.status_code < 500, f"{response.status_code}: {response.text[:500]}"
    case.validate_response(response, checks=CHECKS)
    if hidden:
        assert HIDDEN not in response.text, "an answer outside one's scope"
