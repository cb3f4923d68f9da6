"""The whole OpenAPI document, asked by Schemathesis as each role: what is not in the document is not answered.

TURNPIKE_TEST_EXAMPLES=20 asks each operation twenty times as much.
"""

import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, strategies
from hypothesis import settings as asked
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi import checks

from tests.support.served import Served, served
from turnpike.control.app import create_app
from turnpike.settings import Settings

TIMES = int(os.environ.get("TURNPIKE_TEST_EXAMPLES", "1"))
ROLES = ("user", "department_admin", "admin", "super_admin")
SEES_ALL = {"admin", "super_admin"}
HIDDEN = "of-another-department"
"""In the names of what neither a plain user nor the administrator of a department is to see."""
SHOWN = "of-this-department"
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
NOT_ALLOWED = "SCOPE_MISSING"
"""The role has no such permission: whatever else is asked there is answered so too."""


@dataclass
class Caller:
    """Somebody of a role, whose key may do all that the role may."""

    headers: dict[str, str]
    own: dict[str, str]
    """Ids of what is theirs or their department's, by the names that paths have for them."""
    others: dict[str, str]
    hidden: bool
    """Whether what is another department's must not be seen."""
    http: requests.Session = field(default_factory=requests.Session)
    told: str = ""
    """All that was answered."""

    def probe(self, case: Any) -> bool:
        """Whether to ask on here."""
        response = case.call(session=self.http, headers=self.headers, allow_redirects=False)
        assert response.status_code < 500, f"{response.status_code}: {response.text[:500]}"
        case.validate_response(response, checks=CHECKS)
        if self.hidden:
            assert HIDDEN not in response.text, "an answer outside one's scope"
        self.told += response.text
        return not (response.status_code == 403 and NOT_ALLOWED in response.text)


def belongings(server: Served, name: str, role: str = "user") -> tuple[dict[str, str], dict[str, str]]:
    """A department with somebody in it and what is theirs, and the way in of that person, or of another of a higher
    role, whom changes of what is theirs do not shut out."""
    make = server.operator
    department = make("POST", "/api/v1/departments", {"name": f"department {name}"})["id"]
    person = {"display_name": f"somebody {name}", "department_id": department}
    user = make("POST", "/api/v1/users", person)["id"]
    comes = user if role == "user" else make("POST", "/api/v1/users", {**person, "role": role})["id"]
    key = make("POST", "/api/v1/keys", {"name": f"key {name}", "user_id": user})["id"]
    way_in = make("POST", "/api/v1/keys", {"name": f"way in {name}", "user_id": comes, "role": role, "scopes": []})
    budget = {"kind": "user", "subject": user, "amount_usd": 5, "period": "day"}
    limit = {"subject": "user", "name": user, "amount": 5, "window_s": 60}
    found = {
        "department_id": department, "user_id": user, "key_id": key,
        "budget_id": make("POST", "/api/v1/budgets", budget)["id"],
        "limit_id": make("PUT", "/api/v1/limits", limit)["id"],
    }  # fmt: skip
    return found, {"authorization": f"Bearer {way_in['key']}"}


def everybodys(server: Served) -> dict[str, str]:
    """Ids of what belongs to the whole gateway."""
    make = server.operator
    provider = {"name": "Acme", "slug": "acme", "api_base_url": "https://acme.example.com/v1"}
    make("POST", "/api/v1/ai/providers", provider)
    model = make("POST", "/api/v1/ai/models", {"provider": "acme", "name": "gpt-4o-mini"})
    route = {"name": "r", "rules": [{"groups": [[{"model": "gpt-4o-mini"}]]}]}
    make("POST", "/api/v1/flags", {"name": "editor", "default": False})
    make("PUT", "/api/v1/tiers/gold", {})
    return {
        "provider": "acme", "model_id": model["id"], "route_id": make("POST", "/api/v1/routes", route)["id"],
        "flag": "editor", "name": "api_key_lifetime_days", "seq": "1",
    }  # fmt: skip


def caller(server: Served, role: str) -> Caller:
    shared = everybodys(server)
    others, _ = belongings(server, HIDDEN)
    own, headers = belongings(server, SHOWN, role)
    return Caller(headers, shared | own, shared | others, hidden=role not in SEES_ALL)


def order(path: str) -> tuple[bool, str]:
    return any(word in path for word in LAST), path


@pytest.mark.parametrize("role", ROLES)
def test_no_answer_but_those_of_the_document(sqlite_settings: Settings, role: str) -> None:
    with served(sqlite_settings) as server:
        document = create_app(server.services).openapi()
        config = SchemathesisConfig.from_dict({"base-url": server.url})
        schema = schemathesis.openapi.from_dict(document, config=config)
        somebody = caller(server, role)
        problems: dict[str, str] = {}
        results: list[Any] = list(schema.get_all_operations())
        operations = [each for result in results if (each := result.ok()).path != ENDLESS]
        for operation in sorted(operations, key=lambda each: order(each.path)):
            if operation.path.endswith(LAST[0]):
                me = somebody.http.get(f"{server.url}/api/v1/auth/me", headers=somebody.headers)
                assert me.json()["data"]["role"] == role, "they have been what they are until now"
            body = example_body(document, operation.path, operation.method)
            for case in cases(operation, somebody, body):
                try:
                    if not somebody.probe(case):
                        break
                except (Failure, FailureGroup, AssertionError) as error:
                    label = f"{operation.method.upper()} {operation.path}"
                    problems.setdefault(label, str(error)[:1500])
        assert problems == {}, "\n\n".join(f"{label}\n{text}" for label, text in problems.items())
        assert SHOWN in somebody.told, "the caller sees what is its own"
        assert (HIDDEN in somebody.told) == (role in SEES_ALL), "what is to be hidden is there to be seen"


def example_body(document: dict[str, Any], path: str, method: str) -> Any:
    content = document["paths"][path][method.lower()].get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("example")


def cases(operation: Any, somebody: Caller, body: Any) -> Iterator[Any]:
    """The document's own example at a thing of another department and at one that is there, then what Schemathesis
    thinks of: made when it is asked for, because a role that is refused needs no more."""
    names: list[str] = re.findall(r"{(\w+)}", operation.path)
    own = {name: somebody.own.get(name, NOBODY) for name in names}
    others = {name: somebody.others.get(name, NOBODY) for name in names}
    has_example = body is not None or operation.method.upper() in {"GET", "DELETE"}
    values: dict[str, Any] = {} if body is None else {"body": body, "media_type": "application/json"}
    if has_example and others != own:
        yield operation.Case(path_parameters=others, **values)
    if body is not None:
        yield operation.Case(path_parameters=own, **values)
    yield from drawn(operation, own)


def drawn(operation: Any, known: dict[str, str]) -> list[Any]:
    found: list[Any] = []
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    fixed = operation.as_strategy(path_parameters=known or None)
    whatever = strategies.one_of(fixed, *(operation.as_strategy(generation_mode=mode) for mode in modes))

    @given(case=whatever)
    @asked(
        max_examples=TIMES + 1, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def gather(case: Any) -> None:
        found.append(case)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gather()
    return found
