"""Routes to models that are no conversations, aliases of routes, realtime sessions, and residency in all of them."""

import json
import subprocess
import sys
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.integration.routing.conftest import Road
from tests.support.gateway import wait_for

DEPLOYMENT = "x-turnpike-deployment"
LANES: dict[str, tuple[str, dict[str, Any]]] = {
    "embeddings": ("/v1/embeddings", {"input": "hello"}),
    "image": ("/v1/images/generations", {"prompt": "a toll house", "size": "1024x1024"}),
    "audio": ("/v1/audio/speech", {"input": "hello", "voice": "alloy"}),
}


def post(road: Road, path: str, body: dict[str, Any], key: str | None = None, **headers: str) -> httpx2.Response:
    headers["authorization"] = f"Bearer {key or road.gateway.admin_key}"
    return httpx2.post(road.gateway.url + path, json=body, headers=headers, timeout=20)


def of(road: Road, lane: str, region: str, fault: str = "") -> dict[str, Any]:
    return road.model(region, fault, capabilities=[lane], price_override=None)


def group(*models: dict[str, Any]) -> dict[str, Any]:
    return {"groups": [[{"deployment": model["id"]} for model in models]]}


@pytest.mark.parametrize("lane", LANES)
def test_every_lane_goes_by_routes_and_falls_back(road: Road, lane: str) -> None:
    bad, other = of(road, lane, "eu-1", "status=503"), of(road, lane, "eu-2")
    name = road.route({**group(bad), "fallbacks": [other["name"]]})
    path, body = LANES[lane]
    answer = post(road, path, {"model": name, **body})
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-turnpike-route"] == name
    assert answer.headers[DEPLOYMENT] == other["id"]
    assert answer.headers["x-turnpike-fallback"].startswith(f"{other['name']}; reason=")
    assert road.row(answer)["model_served"] == other["name"]


@pytest.mark.parametrize("lane", LANES)
def test_residency_holds_in_every_lane(road: Road, lane: str) -> None:
    abroad, home = of(road, lane, "us-1"), of(road, lane, "eu-2")
    name = road.route({**group(abroad), "fallbacks": [home["name"]]})
    policy = road.gateway.api(
        "POST", "/residency", {"name": f"home {lane}", "regions": ["eu-*"], "tags": [f"t-{lane}"]}
    )
    road.wait_until_served(name)
    path, body = LANES[lane]
    kept = post(road, path, {"model": name, **body}, **{"x-turnpike-tags": f"t-{lane}"})
    assert kept.headers[DEPLOYMENT] == home["id"]
    refused = post(road, path, {"model": abroad["name"], **body}, **{"x-turnpike-tags": f"t-{lane}"})
    assert refused.status_code == 403
    assert policy["name"] in refused.text
    assert post(road, path, {"model": name, **body}).headers[DEPLOYMENT] == abroad["id"]


def session(road: Road, model: str, **headers: str) -> Any:
    url = f"{road.gateway.url.replace('http', 'ws', 1)}/v1/realtime?model={model}"
    return connect(url, additional_headers={"authorization": f"Bearer {road.gateway.admin_key}", **headers})


def test_a_realtime_session_goes_by_a_route_and_stays_where_its_data_may_go(road: Road) -> None:
    abroad, home = of(road, "realtime", "us-1"), of(road, "realtime", "eu-2")
    name = road.route({**group(abroad), "fallbacks": [home["name"]]})
    road.gateway.api("POST", "/residency", {"name": "spoken", "regions": ["eu-*"], "tags": ["spoken"]})
    road.wait_until_served(name)
    with session(road, name) as opened:
        assert opened.response is not None
        assert opened.response.headers["x-turnpike-route"] == name
        assert opened.response.headers[DEPLOYMENT] == abroad["id"]
    with session(road, name, **{"x-turnpike-tags": "spoken"}) as opened:
        assert opened.response is not None
        assert opened.response.headers[DEPLOYMENT] == home["id"]
        assert opened.response.headers["x-turnpike-fallback"].startswith(home["name"])
    with pytest.raises(InvalidStatus) as caught, session(road, abroad["name"], **{"x-turnpike-tags": "spoken"}):
        pass
    assert caught.value.response.status_code == 403


def test_an_answer_out_of_the_cache_is_for_those_whose_data_may_go_there(road: Road) -> None:
    model = road.model("us-1")
    road.gateway.api("POST", "/cache/rules", {"model": model["name"], "ttl_s": 600})
    road.gateway.api("POST", "/residency", {"name": "kept", "regions": ["eu-*"], "tags": ["kept"]})
    road.wait_until_served(model["name"])
    first, second = (road.ask(model["name"]) for _ in range(2))
    assert first.status_code == 200
    assert second.headers["x-turnpike-cache"].startswith("hit")
    refused = road.ask(model["name"], headers={"x-turnpike-tags": "kept"})
    assert refused.status_code == 403


def test_an_alias_of_a_route_is_listed_and_called(road: Road) -> None:
    model = road.model("eu-1")
    name = road.route(group(model))
    road.gateway.api("POST", "/ai/aliases", {"name": f"short-{name}", "target": name})
    road.gateway.wait_for_model(f"short-{name}")
    answer = road.ask(f"short-{name}")
    assert (answer.status_code, answer.headers["x-turnpike-route"]) == (200, name)
    key = road.gateway.create_key("alias only", models=[f"short-{name}"])
    headers = {"authorization": f"Bearer {key}"}
    listed = httpx2.get(f"{road.gateway.url}/v1/models", headers=headers, timeout=20).json()["data"]
    assert [each["id"] for each in listed] == [f"short-{name}"]
    one = httpx2.get(f"{road.gateway.url}/v1/models/short-{name}", headers=headers, timeout=20)
    assert one.status_code == 200
    assert road.ask(f"short-{name}", key).status_code == 200
    assert road.ask(model["name"], key).status_code == 403


def test_conditions_on_region_tier_and_needs_of_a_route(road: Road) -> None:
    one, two, three = road.model("eu-1"), road.model("eu-2"), road.model("us-1")
    name = road.route(
        {"when": {"tiers": ["enterprise"]}, **group(one)},
        {"when": {"needs": ["streaming"]}, **group(two)},
        {**group(one, two, three), "regions": ["us-*"]},
    )
    key = road.gateway.create_key("big", tier="enterprise")
    assert road.ask(name, key).headers[DEPLOYMENT] == one["id"]
    assert road.ask(name, stream=True).headers[DEPLOYMENT] == two["id"]
    assert {road.ask(name).headers[DEPLOYMENT] for _ in range(3)} == {three["id"]}
    out = {each["deployment_id"]: each["reason"] for each in road.explain(name)["candidates"] if not each["included"]}
    assert "the rule takes regions us-*" in out[one["id"]]


# ---- by hand


def command(road: Road, *words: str) -> Any:
    line = [sys.executable, "-m", "turnpike.cli", *words, "--data-dir", str(road.gateway.folder), "--json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def _limits(road: Road) -> list[int]:
    rows = command(road, "providers", "health", "eu-1")
    return [each["limit"] for row in rows for each in row["deployments"]]


def test_resilience_and_a_deployments_use_are_changed_by_command(road: Road) -> None:
    model, other = road.model("eu-1"), road.model("eu-2")
    try:
        set_ = command(road, "resilience", "set", "default_strategy=lowest_latency", "hang_timeout_s=12.5")
        assert (set_["default_strategy"], set_["hang_timeout_s"]) == ("lowest_latency", 12.5)
        changed = command(road, "models", "change", model["name"], "--weight", "4", "--max-in-flight", "5")
        assert (changed["weight"], changed["max_in_flight"]) == (4, 5)
        road.wait_until_served(model["name"])
        assert road.ask(model["name"]).status_code == 200
        name = road.route({**group(model, other), "strategy": "ewma"})
        road.ask(name)
        found = command(road, "routes", "explain", name, "--relay", "0")
        assert (found["strategy"], found["relay"], found["relays"]) == ("ewma", 0, [0])
        assert sorted(each["rank"] for each in found["candidates"]) == [1, 2]
        wait_for("the relay's counters", lambda: 5 in _limits(road) or None)
        again = command(road, "models", "change", model["name"], "--max-in-flight", "0", "--no-active")
        assert (again["max_in_flight"], again["is_active"]) == (None, False)
        assert command(road, "routes", "explain", model["name"])["allowed"] is False
    finally:
        command(road, "resilience", "set", "default_strategy=default", "hang_timeout_s=default")
    assert command(road, "resilience", "show")["changed"] == []
