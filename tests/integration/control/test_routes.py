"""Routes and residency policies on both databases: versions, checks, the snapshot, and what is explained."""

from typing import Any

import pytest

from tests.support.control import Api, api, make_key, make_model, make_provider, make_user
from turnpike.contract.routes import Strategy
from turnpike.control.services import ControlServices

ROUTES = "/api/v1/routes"
RESIDENCY = "/api/v1/residency"


async def data(answer: Any, status: int = 200) -> Any:
    response = await answer
    assert response.status_code == status, response.text
    return response.json()["data"]


async def _route(operator: Api, *models: str, **more: Any) -> Any:
    rule = {"groups": [[{"model": each} for each in models]], **more.pop("rule", {})}
    return await data(operator.post(ROUTES, {"name": "smart", "rules": [rule], **more}), 201)


async def _models(operator: Api) -> tuple[Any, Any]:
    one = await make_provider(operator, slug="one", region="eu-1")
    two = await make_provider(operator, slug="two", region="us-1")
    first = await make_model(operator, provider=one["slug"], name="a", model_id="a")
    second = await make_model(operator, provider=two["slug"], name="b", model_id="b", region="eu-2")
    return first, second


async def test_a_route_is_in_the_snapshot_and_every_change_is_a_version(
    operator: Api, services: ControlServices
) -> None:
    await _models(operator)
    made = await _route(operator, "a", "b", rule={"strategy": "ewma", "fallbacks": ["b"]}, note="first")
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    (spec,) = services.keeper.snapshot.routes
    assert (spec.name, spec.version, spec.rules[0].strategy) == ("smart", 1, Strategy.EWMA)
    path = f"{ROUTES}/{made['id']}"
    changed = await data(operator.patch(path, {"description": "more", "version": 1}))
    assert (changed["version"], changed["rules"]) == (2, made["rules"])
    stale = await operator.patch(path, {"description": "less", "version": 1})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "CONFLICT")
    back = await data(operator.post(f"{path}/rollback", {"version": 1}))
    assert (back["version"], back["description"]) == (3, None)
    missing = await operator.post(f"{path}/rollback", {"version": 9})
    assert missing.status_code == 404
    await data(operator.delete(path))
    await services.keeper.refresh()
    assert services.keeper.snapshot.routes == ()
    versions = await data(operator.get(f"{path}/versions"))
    assert [each["action"] for each in versions] == ["deleted", "rolled_back", "changed", "created"]
    assert {each["made_by_name"] for each in versions} == {"operator"}
    assert (versions[-1]["note"], versions[1]["note"]) == ("first", "to version 1")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([{"groups": [[{"model": "nothing"}]]}], "no model nothing"),
        ([{"groups": [[{"deployment": "0" * 8 + "-0000-0000-0000-" + "0" * 12}]]}], "no deployment"),
        ([{"groups": [[{"model": "a"}]]}, {"groups": [[{"model": "a"}]]}], "Rule 1 has no conditions"),
        ([{"groups": [[{"model": "a", "deployment": "0" * 8 + "-0000-0000-0000-" + "0" * 12}]]}], "either a model"),
        ([{"groups": [[{"model": "a"}]], "fallbacks": ["gone"]}], "no model gone"),
        ([{"groups": [[{"model": "a"}]], "mirror": {"to": {"model": "gone"}, "percent": 5}}], "no model gone"),
        ([{"groups": [[{"model": "a"}]], "rollout": {"to": {"model": "a"}, "percent": 101}}], "100"),
        ([{"groups": [[{"model": "a"}]], "strategy": "guess"}], "strategy"),
        ([], "rules"),
    ],
)
async def test_what_leads_nowhere_is_refused_by_name(embedded: Api, rules: Any, words: str) -> None:
    await _models(embedded)
    refused = await embedded.post(ROUTES, {"name": "smart", "rules": rules})
    assert refused.status_code == 400
    assert words in refused.text


async def test_names_are_taken_once(embedded: Api) -> None:
    await _models(embedded)
    await _route(embedded, "a")
    again = await embedded.post(ROUTES, {"name": "smart", "rules": [{"groups": [[{"model": "a"}]]}]})
    assert again.status_code == 409
    await data(embedded.post("/api/v1/ai/aliases", {"name": "short", "target": "a"}), 201)
    alias = await embedded.post(ROUTES, {"name": "short", "rules": [{"groups": [[{"model": "a"}]]}]})
    assert alias.status_code == 409


async def test_routes_and_policies_are_for_administrators(operator: Api, services: ControlServices) -> None:
    await _models(operator)
    made = await _route(operator, "a")
    key = (await make_key(operator, user_id=await make_user(operator)))["key"]
    async with api(services, key) as client:
        for method, path in (("GET", ROUTES), ("POST", f"{ROUTES}/explain"), ("DELETE", f"{ROUTES}/{made['id']}"),
                             ("GET", RESIDENCY), ("GET", f"{ROUTES}/{made['id']}/versions")):  # fmt: skip
            answer = await client.call(method, path)
            assert answer.status_code == 403, path


async def test_a_policy_keeps_data_in_its_regions(operator: Api, services: ControlServices) -> None:
    first, second = await _models(operator)
    department = await data(operator.post("/api/v1/departments", {"name": "legal"}), 201)
    user = await make_user(operator, department_id=department["id"])
    key = await make_key(operator, user_id=user)
    await _route(operator, "a", "b")
    body = {"name": "home", "regions": ["eu-2"], "departments": [department["id"]]}
    made = await data(operator.post(RESIDENCY, body), 201)
    await services.keeper.refresh()
    for who in ({"key_id": key["id"]}, {"user_id": user}):
        found = await data(operator.post(f"{ROUTES}/explain", {"model": "smart", **who}))
        assert found["residency"] == [{"name": "home", "regions": ["eu-2"]}]
        # The model's own region goes before its provider's.
        assert found["first"] == second["id"]
        out = {each["deployment_id"]: each["reason"] for each in found["candidates"] if not each["included"]}
        assert out == {first["id"]: "the policy 'home' allows eu-2; it is in eu-1"}
    refused = await data(operator.post(f"{ROUTES}/explain", {"model": "a", "user_id": user}))
    assert (refused["allowed"], refused["error_code"]) == (False, "FORBIDDEN")
    everyone = await data(operator.post(f"{ROUTES}/explain", {"model": "smart"}))
    assert [each["share"] for each in everyone["candidates"]] == [0.5, 0.5]
    path = f"{RESIDENCY}/{made['id']}"
    assert (await data(operator.patch(path, {"is_active": False})))["is_active"] is False
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    assert services.keeper.snapshot.residency == ()
    await data(operator.delete(path))
    assert await data(operator.get(RESIDENCY)) == []


async def test_an_explanation_says_what_keeps_each_deployment_out(embedded: Api) -> None:
    await _models(embedded)
    await make_model(embedded, provider="one", name="e", model_id="e", capabilities=["embeddings"])
    key = await make_key(embedded, models=["a", "e"])
    rule = {"groups": [[{"model": "a"}], [{"model": "e"}]], "fallbacks": ["b"], "regions": ["eu-1"]}
    await data(embedded.post(ROUTES, {"name": "smart", "rules": [rule]}), 201)
    found = await data(embedded.post(f"{ROUTES}/explain", {"model": "smart", "key_id": key["id"]}))
    assert found["summary"].startswith("It would go to one/a")
    reasons = {each["model"]: each["reason"] for each in found["candidates"]}
    assert reasons["a"] is None
    assert "cannot do 'chat'" in reasons["e"]
    assert "list of models" in reasons["b"]
    unknown = await data(embedded.post(f"{ROUTES}/explain", {"model": "nothing"}))
    assert (unknown["allowed"], unknown["error_code"]) == (False, "MODEL_NOT_FOUND")
