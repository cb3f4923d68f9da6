"""ETag, If-None-Match and If-Match hold for every resource that can be read and changed."""

import asyncio
import re
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.support.control import Api, api, make_key, make_model, make_provider, make_user
from turnpike.control.app import create_app
from turnpike.control.services import ControlServices
from turnpike.control.web.database import writing
from turnpike.control.web.routes import CHANGING, calls_of, changed_paths, routes_of

API = "/api/v1"
STALE = {"if-match": '"0123456789abcdef0123456789abcdef"'}


async def things(operator: Api) -> dict[str, tuple[str, Any]]:
    """By path template: where one of each is, and a change of it."""

    async def made(path: str, body: dict[str, Any]) -> str:
        return (await operator.data("POST", API + path, body))["id"]

    user = await make_user(operator)
    await make_provider(operator)
    await operator.data("PUT", f"{API}/tiers/gold", {})
    rules = [{"groups": [[{"model": "m"}]]}]
    limit = await operator.data(
        "PUT", f"{API}/limits", {"subject": "tier", "name": "standard", "amount": 5, "window_s": 60}
    )
    model = await make_model(operator, "acme", "m")
    budget = {"kind": "gateway", "amount_usd": 5, "period": "day"}
    alias = await made("/ai/aliases", {"name": "fast", "target": "m"})
    issuer = {"slug": "i", "name": "I", "client_id": "c", "issuer": "https://login.example.com"}
    hook = await made("/webhooks", {"url": "https://hooks.example.com/t"})
    rule = await made("/alerts/rules", {"name": "r", "kind": "spend", "threshold": 5})
    target = {"name": "t", "kind": "webhook", "webhook_id": hook}
    mapping = await made("/scim/mappings", {"group": "g", "role": "user"})
    policy = {"name": "p", "guards": [{"name": "words", "kind": "terms", "action": "flag", "terms": ["x"]}]}
    await operator.data("PUT", f"{API}/roles/reader", {"permissions": {"view_models": "own_data"}})
    found = {
        "/webhooks/{webhook_id}": (f"/webhooks/{hook}", {"description": "New"}),
        "/alerts/rules/{rule_id}": (f"/alerts/rules/{rule}", {"threshold": 7}),
        "/alerts/targets/{target_id}": (f"/alerts/targets/{await made('/alerts/targets', target)}", {"name": "n"}),
        "/invitations/{invitation_id}": (
            f"/invitations/{await made('/invitations', {'email': 'ada@example.com'})}",
            None,
        ),
        "/scim/mappings/{mapping_id}": (f"/scim/mappings/{mapping}", {"role": "admin"}),
        "/roles/{name}": ("/roles/reader", {"permissions": {"view_models": "own_data", "chat": "own_data"}}),
        "/users/{user_id}": (f"/users/{user}", {"display_name": "New"}),
        "/departments/{department_id}": (f"/departments/{await made('/departments', {'name': 'D'})}", {"name": "E"}),
        "/keys/{key_id}": (f"/keys/{(await make_key(operator))['id']}", {"name": "New"}),
        "/limits/{limit_id}": (f"/limits/{limit['id']}", None),
        "/tiers/{name}": ("/tiers/gold", {"description": "Better"}),
        "/budgets/{budget_id}": (f"/budgets/{await made('/budgets', budget)}", {"amount_usd": 7}),
        "/ai/providers/{provider}": ("/ai/providers/acme", {"display_name": "Acme & Co"}),
        "/ai/models/{model_id}": (f"/ai/models/{model['id']}", {"weight": 3}),
        "/ai/aliases/{alias_id}": (f"/ai/aliases/{alias}", {"target": "other"}),
        "/routes/{route_id}": (f"/routes/{await made('/routes', {'name': 'r', 'rules': rules})}", {"description": "n"}),
        "/residency/{policy_id}": (
            f"/residency/{await made('/residency', {'name': 'eu', 'regions': ['eu-*']})}",
            {"name": "Europe"},
        ),
        "/cache/rules/{rule_id}": (f"/cache/rules/{await made('/cache/rules', {'model': 'm'})}", {"ttl_s": 60}),
        "/admin/resilience": ("/admin/resilience", {"max_attempts": 2}),
        "/security/networks/{rule_id}": (
            f"/security/networks/{await made('/security/networks', {'network': '203.0.113.0/24', 'verdict': 'deny'})}",
            None,
        ),
        "/auth/issuers/{issuer_id}": (f"/auth/issuers/{await made('/auth/issuers', issuer)}", {"name": "New"}),
        "/settings/{name}": ("/settings/api_key_lifetime_days", {"value": 30}),
        "/flags/{flag}": (f"/flags/{await made('/flags', {'name': 'editor', 'default': False})}", {"default": True}),
        "/admin/maintenance": ("/admin/maintenance", {"on": False}),
        "/policies/{policy}": (f"/policies/{await made('/policies', policy)}", {"priority": 7}),
    }
    return {API + path: (API + where, change) for path, (where, change) in found.items()}


def change_of(app: FastAPI, path: str) -> str:
    """The way a thing is changed: PATCH, or else PUT, or else DELETE."""
    methods = {method for route in routes_of(app) if route.path == path for method in route.methods}
    assert methods & CHANGING, path
    return next(method for method in ("PATCH", "PUT", "DELETE") if method in methods)


async def test_every_thing_has_a_tag_and_a_stale_one_stops_its_change(services: ControlServices, operator: Api) -> None:
    found = await things(operator)
    app = create_app(services)
    for path, (where, change) in found.items():
        read = await operator.get(where)
        tag = read.headers.get("etag", "")
        assert re.fullmatch(r'"[0-9a-f]{32}"', tag), (path, read.text)
        assert (await operator.get(where)).headers["etag"] == tag, path
        unchanged = await operator.get(where, headers={"if-none-match": f'"other", W/{tag}'})
        assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", tag), path
        method = change_of(app, path)
        stale = await operator.call(method, where, change, headers=STALE)
        assert (stale.status_code, stale.json()["error"]["code"]) == (412, "PRECONDITION_FAILED"), (path, stale.text)
        assert (await operator.get(where)).headers["etag"] == tag, path
        done = await operator.call(method, where, change, headers={"if-match": f'"other", {tag}'})
        assert done.is_success, (path, done.text)
        if method != "DELETE" and path != f"{API}/admin/maintenance":
            new = (await operator.get(where)).headers["etag"]
            assert new != tag, path
            assert done.headers.get("etag") in {new, None}, path
    own_settings = f"{API}/ai/providers/{{provider}}/settings"
    missing = changed_paths(app) - set(found) - {own_settings}
    assert missing == set(), "a new resource belongs into this test"


async def test_every_change_of_a_tagged_thing_goes_through_the_check(services: ControlServices) -> None:
    app = create_app(services)
    tagged = changed_paths(app)
    for route in routes_of(app):
        if route.path in tagged and route.methods & CHANGING:
            assert writing in list(calls_of(route.dependant)), route.path


async def test_one_of_two_changes_of_the_same_version_wins(services: ControlServices, operator: Api) -> None:
    where = f"{API}/users/{await make_user(operator)}"
    tag = (await operator.get(where)).headers["etag"]
    async with api(services) as other:
        answers: list[httpx2.Response] = await asyncio.gather(
            *(
                caller.call("PATCH", where, {"display_name": f"Name {number}"}, headers={"if-match": tag})
                for number, caller in enumerate((operator, other, operator, other))
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412, 412]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if-match": "*"}, 200),
        ({"if-match": "W/{tag}"}, 412),
        ({"if-none-match": "*"}, 412),
        ({"if-match": "nonsense"}, 412),
    ],
)
async def test_forms_of_conditions(operator: Api, headers: dict[str, str], status: int) -> None:
    where = f"{API}/users/{await make_user(operator)}"
    tag = (await operator.get(where)).headers["etag"]
    sent = {name: value.format(tag=tag) for name, value in headers.items()}
    answer = await operator.call("PATCH", where, {"display_name": "New"}, headers=sent)
    assert answer.status_code == status


async def test_a_tag_of_what_is_gone_or_was_never_there(operator: Api) -> None:
    nowhere = f"{API}/users/01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"
    gone = await operator.call("PATCH", nowhere, {"display_name": "N"}, headers={"if-match": "*"})
    assert gone.status_code == 412
    made = await operator.call("PUT", f"{API}/tiers/new", {}, headers={"if-none-match": "*"})
    assert made.status_code == 200
    again = await operator.call("PUT", f"{API}/tiers/new", {}, headers={"if-none-match": "*"})
    assert again.status_code == 412


async def test_where_it_is_required_a_change_without_a_version_is_428(services: ControlServices, operator: Api) -> None:
    where = f"{API}/users/{await make_user(operator)}"
    await operator.data("PUT", f"{API}/settings/require_if_match", {"value": True})
    await services.keeper.refresh()
    answer = await operator.patch(where, {"display_name": "New"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (428, "PRECONDITION_REQUIRED")
    tag = (await operator.get(where)).headers["etag"]
    sent = await operator.call("PATCH", where, {"display_name": "New"}, headers={"if-match": tag})
    assert sent.status_code == 200
    assert (await operator.post(f"{API}/departments", {"name": "Made, not changed"})).status_code == 201


async def test_what_changes_by_itself_is_no_new_version(services: ControlServices, operator: Api) -> None:
    body = {"kind": "gateway", "amount_usd": 5, "period": "day"}
    made = await operator.data("POST", f"{API}/budgets", body)
    where = f"{API}/budgets/{made['id']}"
    volatile = create_app(services).state.tagged.volatile(f"{API}/budgets/{{budget_id}}")
    assert {"spent_usd", "reserved_usd", "remaining_usd", "period_start"} <= volatile
    assert (await operator.get(where)).headers["etag"]
