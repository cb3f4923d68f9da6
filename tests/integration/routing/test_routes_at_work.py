"""Fallback, mirror, roll-out, stickiness, conditions and residency: asked of a real gateway, read in its ledger."""

import json
import subprocess
import sys
from collections import Counter
from typing import Any

import httpx2
import pytest

from tests.integration.routing.conftest import Road
from tests.support.gateway import wait_for

DEPLOYMENT = "x-turnpike-deployment"


def group(*models: dict[str, Any]) -> dict[str, Any]:
    return {"groups": [[{"deployment": model["id"]} for model in models]]}


def test_a_route_is_a_model_that_callers_see_and_call(road: Road) -> None:
    model = road.model("eu-1")
    name = road.route(group(model))
    assert name in road.gateway.served_models()
    answer = road.ask(name)
    assert (answer.status_code, answer.headers["x-turnpike-route"]) == (200, name)
    assert answer.headers[DEPLOYMENT] == model["id"]
    assert "x-turnpike-fallback" not in answer.headers
    row = road.row(answer)
    assert (row["model_asked"], row["model_served"]) == (name, model["name"])
    found = road.gateway.api("GET", "/routes", name=name)
    assert found[0]["version"] == 1


def test_a_key_that_may_call_the_route_alone_sees_and_calls_it_alone(road: Road) -> None:
    model = road.model("eu-1")
    name = road.route(group(model))
    key = road.gateway.create_key("route only", models=[name])
    assert road.ask(name, key).status_code == 200
    assert road.ask(model["name"], key).status_code == 403
    listed = httpx2.get(f"{road.gateway.url}/v1/models", headers={"authorization": f"Bearer {key}"}, timeout=20)
    assert [each["id"] for each in listed.json()["data"]] == [name]


def test_another_model_answers_with_the_reason_when_no_deployment_does(road: Road) -> None:
    first, second, other = road.model("eu-1", "status=503"), road.model("us-1", "status=503"), road.model("eu-2")
    name = road.route({**group(first, second), "fallbacks": [other["name"]]})
    answer = road.ask(name)
    assert answer.status_code == 200
    assert answer.headers[DEPLOYMENT] == other["id"]
    assert answer.headers["x-turnpike-fallback"] == f"{other['name']}; reason=overloaded"
    assert answer.headers["x-turnpike-attempts"] == "3"
    row = road.row(answer)
    assert row["model_served"] == other["name"]
    assert {each["model"] for each in row["abandoned"]} == {first["name"], second["name"]}
    assert row["cost_nanousd"] > 0


def test_a_prompt_that_is_too_long_for_a_model_goes_to_the_next_one(road: Road) -> None:
    short, spare, long = road.model("eu-1", "error=context"), road.model("eu-2"), road.model("us-1")
    rule = {"groups": [[{"deployment": short["id"]}], [{"deployment": spare["id"]}]], "fallbacks": [long["name"]]}
    answer = road.ask(road.route(rule))
    assert answer.headers[DEPLOYMENT] == long["id"]
    assert answer.headers["x-turnpike-fallback"] == f"{long['name']}; reason=context"


def test_what_is_wrong_with_a_request_falls_back_nowhere(road: Road) -> None:
    strict, other = road.model("eu-1", "status=422"), road.model("eu-2")
    answer = road.ask(road.route({**group(strict), "fallbacks": [other["name"]]}))
    assert answer.status_code == 422


def test_a_later_group_is_for_when_all_of_an_earlier_one_fail(road: Road) -> None:
    bad, good, last = road.model("eu-1", "status=500"), road.model("eu-2"), road.model("us-1")
    groups = [[{"deployment": each["id"]}] for each in (bad, good, last)]
    name = road.route({"groups": groups})
    assert {road.ask(name).headers[DEPLOYMENT] for _ in range(4)} == {good["id"]}


def test_weights_divide_the_calls(road: Road) -> None:
    one, other = road.model("eu-1"), road.model("eu-2")
    members = [{"deployment": one["id"], "weight": 3}, {"deployment": other["id"], "weight": 1}]
    name = road.route({"groups": [members]})
    counted = Counter(road.ask(name).headers[DEPLOYMENT] for _ in range(8))
    assert counted == {one["id"]: 6, other["id"]: 2}


def test_a_session_stays_where_it_is_and_sessions_are_spread(road: Road) -> None:
    models = [road.model(region) for region in ("eu-1", "eu-2", "us-1")]
    name = road.route({**group(*models), "strategy": "sticky"})
    seen: set[str] = set()
    for session in range(8):
        headers = {"x-turnpike-session": f"session-{session}"}
        went = {road.ask(name, headers=headers).headers[DEPLOYMENT] for _ in range(2)}
        assert went == {road.explain(name, session=f"session-{session}")["first"]}
        seen |= went
    assert len(seen) > 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_copy_is_paid_for_and_marked_and_the_caller_hears_nothing_of_it(road: Road, stream: bool) -> None:
    model, copy = road.model("eu-1"), road.model("eu-2")
    name = road.route({**group(model), "mirror": {"to": {"deployment": copy["id"]}, "percent": 100}})
    answer = road.ask(name, stream=stream)
    assert answer.headers[DEPLOYMENT] == model["id"]
    own = road.row(answer)
    (row,) = wait_for("the copy's row", lambda: road.copies_of(own["event_id"]) or None)
    assert (row["deployment_id"], row["outcome"], row["request_id"]) == (copy["id"], "ok", own["request_id"])
    assert row["cost_nanousd"] > 0
    assert row["event_id"] != own["event_id"]


@pytest.mark.parametrize("fault", ["status=500", "latency=5s", "reset=0"])
def test_a_copy_that_fails_or_hangs_costs_the_caller_nothing(road: Road, fault: str) -> None:
    model, copy = road.model("eu-1"), road.model("eu-2", fault)
    name = road.route({**group(model), "mirror": {"to": {"deployment": copy["id"]}, "percent": 100}})
    answer = road.ask(name)
    assert answer.status_code == 200
    assert answer.elapsed.total_seconds() < 4


def test_a_share_of_the_callers_is_sent_to_the_new_model_and_stays_there(road: Road) -> None:
    old, new = road.model("eu-1"), road.model("eu-2")
    name = road.route({**group(old), "rollout": {"to": {"deployment": new["id"]}, "percent": 50, "by": "key"}})
    keys = {made["id"]: made["key"] for made in (_key(road, f"roll {number}") for number in range(10))}
    went = {key_id: {road.ask(name, key).headers[DEPLOYMENT] for _ in range(2)} for key_id, key in keys.items()}
    assert all(len(each) == 1 for each in went.values())
    assert set.union(*went.values()) == {old["id"], new["id"]}
    for key_id, each in went.items():
        assert {road.explain(name, key_id=key_id)["first"]} == each


def _key(road: Road, name: str, **wishes: Any) -> dict[str, Any]:
    return road.gateway.api("POST", "/keys", {"name": name, **wishes})


def test_the_first_rule_whose_conditions_hold_applies(road: Road) -> None:
    tagged, long, tools, rest = (road.model(region) for region in ("eu-1", "eu-2", "us-1", "eu-1"))
    name = road.route(
        {"when": {"tags": ["batch"]}, **group(tagged)},
        {"when": {"min_input_tokens": 1000}, **group(long)},
        {"when": {"needs": ["tools"]}, **group(tools)},
        group(rest),
    )
    tool = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
    asked: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
        ({"headers": {"x-turnpike-tags": "night,batch"}}, {"tags": ["night", "batch"]}, tagged),
        ({"messages": [{"role": "user", "content": "word " * 1000}]}, {"input_tokens": 1300}, long),
        ({"tools": [tool]}, {"needs": ["tools"]}, tools),
        ({}, {}, rest),
    ]
    for request, question, expected in asked:
        assert road.ask(name, **request).headers[DEPLOYMENT] == expected["id"]
        assert road.explain(name, **question)["first"] == expected["id"]


def test_a_request_that_no_rule_takes_is_refused_by_name(road: Road) -> None:
    name = road.route({"when": {"tags": ["batch"]}, **group(road.model("eu-1"))})
    answer = road.ask(name)
    assert answer.status_code == 400
    assert name in answer.json()["error"]["message"]
    found = road.explain(name)
    assert (found["allowed"], found["error_code"]) == (False, "POLICY_REFUSED")


def test_a_route_over_a_models_name_leaves_other_requests_to_the_model(road: Road) -> None:
    model, other = road.model("eu-1"), road.model("eu-2")
    road.route({"when": {"tags": ["new"]}, **group(other)}, name=model["name"])
    assert road.ask(model["name"]).headers[DEPLOYMENT] == model["id"]
    assert road.ask(model["name"], headers={"x-turnpike-tags": "new"}).headers[DEPLOYMENT] == other["id"]


def test_data_of_a_policy_stays_in_its_regions(road: Road) -> None:
    bad, abroad, home = road.model("eu-1", "status=500"), road.model("us-1"), road.model("eu-2")
    rule = {
        **group(bad),
        "fallbacks": [abroad["name"]],
        "mirror": {"to": {"deployment": abroad["id"]}, "percent": 100},
    }
    name = road.route(rule)
    allowed = road.route({**group(bad, home), "fallbacks": [abroad["name"]]})
    key = _key(road, "european")
    policy = road.gateway.api("POST", "/residency", {"name": "europe", "regions": ["eu-*"], "keys": [key["id"]]})
    road.wait_until_served(name)
    # Nothing leaves: not the model itself, not as a fallback, not as a copy.
    direct = road.ask(abroad["name"], key["key"])
    assert direct.status_code == 403
    assert "europe" in direct.json()["error"]["message"]
    assert "us-1" in direct.json()["error"]["message"]
    found = road.explain(abroad["name"], key_id=key["id"])
    assert (found["allowed"], found["error_code"]) == (False, "FORBIDDEN")
    before = len(road.gateway.simulator.calls())
    failed = road.ask(name, key["key"])
    assert failed.status_code == 500
    assert "x-turnpike-fallback" not in failed.headers
    abroad_calls = [call for call in road.gateway.simulator.calls()[before:] if call["model"] == abroad["model_id"]]
    assert abroad_calls == []
    assert road.ask(allowed, key["key"]).headers[DEPLOYMENT] == home["id"]
    # Others are not concerned, and a tag may be.
    assert road.ask(name).headers[DEPLOYMENT] == abroad["id"]
    listed = httpx2.get(f"{road.gateway.url}/v1/models", headers={"authorization": f"Bearer {key['key']}"}, timeout=20)
    names = [each["id"] for each in listed.json()["data"]]
    assert abroad["name"] not in names
    assert home["name"] in names
    # Nor by a path that is passed through.
    passed = _key(road, "european files", scopes=["passthrough"])
    road.gateway.api("PATCH", f"/residency/{policy['id']}", {"keys": [key["id"], passed["id"]], "regions": ["eu-9"]})
    road.wait_until_served(name)
    answer = httpx2.get(
        f"{road.gateway.url}/us-1/v1/files", headers={"authorization": f"Bearer {passed['key']}"}, timeout=20
    )
    assert answer.status_code == 403
    assert "europe" in answer.text


def test_a_route_goes_back_to_an_old_version(road: Road) -> None:
    old, new = road.model("eu-1"), road.model("eu-2")
    name = road.route(group(old))
    (route,) = road.gateway.api("GET", "/routes", name=name)
    road.gateway.api("PATCH", f"/routes/{route['id']}", {"rules": [group(new)], "note": "try"})
    road.wait_until_served(name)
    assert road.ask(name).headers[DEPLOYMENT] == new["id"]
    back = road.gateway.api("POST", f"/routes/{route['id']}/rollback", {"version": 1})
    assert back["version"] == 3
    road.wait_until_served(name)
    assert road.ask(name).headers[DEPLOYMENT] == old["id"]
    versions = road.gateway.api("GET", f"/routes/{route['id']}/versions")
    assert [(each["version"], each["action"]) for each in versions] == [
        (3, "rolled_back"), (2, "changed"), (1, "created"),
    ]  # fmt: skip
    assert versions[1]["note"] == "try"


def _command(road: Road, *words: str) -> Any:
    command = [sys.executable, "-m", "turnpike.cli", *words, "--json", "--data-dir", str(road.gateway.folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_command_does_what_the_api_does(road: Road) -> None:
    first, second = road.model("eu-1"), road.model("us-1")
    to = ("--to", f"{first['name']}=3", "--then", second["id"], "--mirror", f"{second['name']}=5")
    made = _command(road, "routes", "set", "by-hand", *to, "--strategy", "least_busy", "--note", "try")
    assert made["rules"][0]["groups"] == [[{"model": first["name"], "weight": 3}], [{"deployment": second["id"]}]]
    assert made["rules"][0]["mirror"] == {"to": {"model": second["name"]}, "percent": 5.0}
    assert _command(road, "routes", "set", "by-hand", "--to", second["name"])["version"] == 2
    assert _command(road, "routes", "rollback", "by-hand", "1")["rules"] == made["rules"]
    assert [each["version"] for each in _command(road, "routes", "versions", "by-hand")] == [3, 2, 1]
    found = _command(road, "routes", "explain", "by-hand", "--tag", "x", "--input-tokens", "10")
    assert found["first"] == first["id"]
    policy = _command(road, "residency", "set", "by-hand", "--region", "eu-*", "--tag", "by-hand")
    assert policy["tags"] == ["by-hand"]
    found = _command(road, "routes", "explain", second["name"], "--tag", "by-hand")
    assert found["allowed"] is False
    _command(road, "residency", "remove", "by-hand")
    _command(road, "routes", "delete", "by-hand")
    assert "by-hand" not in [each["name"] for each in _command(road, "routes", "list")]
