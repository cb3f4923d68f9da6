"""What an explanation says of the moment: what a relay measured, what rests and why, what is used up or off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.control import Api, FakeRelay, make_model, make_provider
from turnpike.contract.backends import BackendState, Rest
from turnpike.contract.messages import Counters
from turnpike.control.contract_server import ContractServer
from turnpike.control.services import ControlServices

ROUTES = "/api/v1/routes"
WRONG = 404


@asynccontextmanager
async def relays(services: ControlServices, *states: tuple[BackendState, ...]) -> AsyncIterator[None]:
    """As many, with what each has measured."""
    server = ContractServer(
        services.settings.contract_socket, services.keeper, services.metrics, services.health.report,
        provider_health=services.provider_health,
    )  # fmt: skip
    await server.start()
    path = services.settings.contract_socket
    connected = [await FakeRelay.connect(path, incarnation=f"r{at}", number=at) for at in range(len(states))]
    try:
        for relay, told in zip(connected, states, strict=True):
            relay.send(Counters(0, (), told))
            await relay.until(lambda each: each.messages)
        while len(services.metrics.states()) < len(states):
            await asyncio.sleep(0.01)
        yield
    finally:
        for relay in connected:
            await relay.close()
        await server.stop()


async def _three(operator: Api) -> list[str]:
    """Deployments of one model, at a provider each."""
    ids: list[str] = []
    for slug in ("one", "two", "three"):
        provider = await make_provider(operator, slug=slug)
        ids.append((await make_model(operator, provider=provider["slug"], name="m", model_id=slug))["id"])
    return ids


async def _credential(operator: Api, services: ControlServices, deployment_id: str) -> str:
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    row = next(each for each in services.keeper.snapshot.models if each.id == deployment_id)
    provider = next(each for each in services.keeper.snapshot.providers if each.id == row.provider_id)
    return provider.credentials[0].id if provider.credentials else ""


async def _states(
    operator: Api, services: ControlServices, ids: list[str], *facts: dict[str, Any]
) -> tuple[BackendState, ...]:
    return tuple(
        [
            BackendState(each, await _credential(operator, services, each), limit=100, **told)
            for each, told in zip(ids, facts, strict=False)
        ]
    )


async def explain(operator: Api, model: str = "m", **more: Any) -> dict[str, Any]:
    return await operator.data("POST", f"{ROUTES}/explain", {"model": model, **more})


def order(found: dict[str, Any]) -> list[str]:
    return [each["deployment_id"] for each in found["candidates"] if each["rank"] is not None]


async def test_measured_strategies_are_ordered_as_the_relay_that_is_named_sees_them(
    operator: Api, services: ControlServices
) -> None:
    ids = await _three(operator)
    slow, busy, fast = (
        {"latency_s": 0.9, "in_flight": 1},
        {"latency_s": 0.4, "in_flight": 9},
        {"latency_s": 0.1, "in_flight": 5},
    )
    here = await _states(operator, services, ids, slow, busy, fast)
    there = await _states(operator, services, ids, fast, slow, busy)
    async with relays(services, here, there):
        expected = {"ewma": (2, 0, 1), "least_busy": (0, 2, 1), "lowest_latency": (2, 1, 0)}
        for strategy, places in expected.items():
            await operator.data("PATCH", "/api/v1/admin/resilience", {"default_strategy": strategy})
            found = await explain(operator)
            assert (found["strategy"], found["relay"], found["relays"]) == (strategy, 0, [0, 1])
            assert order(found) == [ids[place] for place in places], strategy
            assert "relay 0" in found["summary"] or found["first"] == order(found)[0]
        other = await explain(operator, relay=1)
        assert order(other)[0] == ids[0]
        assert other["candidates"][0]["measured"]["in_flight"] == 5
        missing = await operator.post(f"{ROUTES}/explain", {"model": "m", "relay": 7})
        assert missing.status_code == WRONG
        assert "0, 1" in missing.text


async def test_without_a_relay_nothing_is_said_of_measured_orders(operator: Api) -> None:
    await _three(operator)
    await operator.data("PATCH", "/api/v1/admin/resilience", {"default_strategy": "ewma"})
    found = await explain(operator)
    assert (found["relay"], found["relays"], found["first"]) == (None, [], None)
    assert {each["share"] for each in found["candidates"]} == {None}


async def test_what_rests_comes_last_and_says_why(operator: Api, services: ControlServices) -> None:
    ids = await _three(operator)
    told = await _states(
        operator, services, ids, {"rest": Rest.FAILED, "rest_s": 12.5}, {"rest": Rest.TOLD, "rest_s": 3.0}, {}
    )
    async with relays(services, told):
        found = await explain(operator)
        assert found["first"] == ids[2]
        reasons = {each["deployment_id"]: each["reason"] for each in found["candidates"] if each["resting"]}
        assert reasons == {
            ids[0]: "its breaker is open for another 12.5 s",
            ids[1]: "its provider wants no requests for another 3 s",
        }
        assert found["allowed"] is True


async def test_a_deployment_whose_limit_or_budget_is_used_up_is_out(operator: Api, services: ControlServices) -> None:
    ids = await _three(operator)
    limit = {"subject": "deployment", "name": ids[0], "resource": "requests", "amount": 0, "window_s": 60}
    response = await operator.put("/api/v1/limits", limit)
    assert response.is_success, response.text
    await operator.data(
        "POST", "/api/v1/budgets", {"kind": "provider", "subject": "two", "amount_usd": "0", "period": "total"}
    )
    found = await explain(operator)
    reasons = {each["deployment_id"]: each["reason"] for each in found["candidates"] if each["resting"]}
    assert "limit of its deployment is used up: 0 requests in 60 s" in reasons[ids[0]]
    assert "budget" in reasons[ids[1]]
    assert found["first"] == ids[2]


async def test_what_is_switched_off_is_named(operator: Api, services: ControlServices) -> None:
    ids = await _three(operator)
    await operator.data("PATCH", f"/api/v1/ai/models/{ids[0]}", {"is_active": False})
    rows = await operator.data("GET", "/api/v1/ai/providers")
    two = next(each["id"] for each in rows if each["slug"] == "two")
    await operator.data("PATCH", f"/api/v1/ai/providers/{two}", {"is_active": False})
    rule = {"groups": [[{"deployment": ids[0]}, {"model": "m"}]]}
    await operator.data("POST", ROUTES, {"name": "smart", "rules": [rule]})
    for name in ("m", "smart"):
        found = await explain(operator, name)
        assert found["first"] == ids[2]
        out = {each["deployment_id"]: each["reason"] for each in found["candidates"] if not each["included"]}
        assert out == {ids[0]: "it is switched off", ids[1]: "its provider 'two' is switched off"}


async def test_a_deployment_with_the_weight_0_is_for_when_the_others_rest(
    operator: Api, services: ControlServices
) -> None:
    ids = await _three(operator)
    await operator.data("PATCH", f"/api/v1/ai/models/{ids[0]}", {"weight": 0, "max_in_flight": 3})
    found = await explain(operator)
    shares = {each["deployment_id"]: each["share"] for each in found["candidates"]}
    assert shares == {ids[0]: 0.0, ids[1]: 0.5, ids[2]: 0.5}
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    assert {each.id: each.max_in_flight for each in services.keeper.snapshot.models}[ids[0]] == 3
    view = await operator.data("PATCH", f"/api/v1/ai/models/{ids[0]}", {"max_in_flight": None})
    assert view["max_in_flight"] is None
