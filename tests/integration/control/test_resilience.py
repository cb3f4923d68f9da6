"""Policies of resilience, active health checks, and what is shown of how providers fare."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.control import Api, FakeRelay, api, make_key, make_model, make_provider, make_user
from tests.support.upstream import answer
from turnpike.contract.messages import Counters, ProvidersDown
from turnpike.contract.metrics import Sample
from turnpike.control.contract_server import ContractServer
from turnpike.control.domains.catalog import checking
from turnpike.control.domains.catalog.checking import ProviderChecks
from turnpike.control.services import ControlServices

PATH = "/api/v1/admin/resilience"
PROVIDERS = "/api/v1/ai/providers"
LIST = answer({"object": "list", "data": [{"id": "m", "object": "model"}]})


async def test_policies_begin_with_their_defaults_and_are_changed_one_by_one(operator: Api) -> None:
    before = await operator.data("GET", PATH)
    assert before["changed"] == []
    assert before["tier_weights"] == {"free": 1, "pro": 4, "enterprise": 16}
    after = await operator.data("PATCH", PATH, {"hang_timeout_s": 12.5, "tier_weights": {"free": 1, "gold": 9}})
    assert after == {
        **before, "hang_timeout_s": 12.5, "tier_weights": {"free": 1, "gold": 9},
        "changed": ["hang_timeout_s", "tier_weights"],
    }  # fmt: skip
    assert await operator.data("GET", PATH) == after
    again = await operator.data("PATCH", PATH, {"hang_timeout_s": None, "retry_share": 0})
    assert (again["hang_timeout_s"], again["retry_share"]) == (before["hang_timeout_s"], 0)
    assert again["changed"] == ["retry_share", "tier_weights"]


@pytest.mark.parametrize(
    "wrong",
    [{"retry_share": -1}, {"breaker_failures": 0}, {"unknown": 1}, {"tier_weights": {"free": 0}}, {"tier_weights": {}}],
)
async def test_what_cannot_be_is_refused(embedded: Api, wrong: dict[str, object]) -> None:
    response = await embedded.patch(PATH, wrong)
    assert response.status_code == 400
    assert next(iter(wrong)) in response.text


async def test_only_administrators_see_or_change_them(services: ControlServices, operator: Api) -> None:
    key = await make_key(operator, user_id=await make_user(operator))
    await make_provider(operator)
    async with api(services, key["key"]) as user:
        for method, path in (("GET", PATH), ("PATCH", PATH), ("GET", f"{PROVIDERS}/acme/health")):
            response = await user.call(method, path, {} if method == "PATCH" else None)
            assert response.status_code == 403


async def test_relays_have_the_policies_within_a_second(services: ControlServices, operator: Api) -> None:
    async with contract(services) as relay:
        await relay.until(lambda r: r.snapshot)
        await operator.data("PATCH", PATH, {"queue_length": 7, "breaker_probes": 3})
        await relay.until(lambda r: r.snapshot is not None and r.snapshot.policies.queue_length == 7)
        assert relay.snapshot is not None
        assert relay.snapshot.policies.breaker_probes == 3


# ---- active checks


class Provider:
    """Asked for its list of models alone; answers what `said` is at the time, or nothing."""

    def __init__(self, said: bytes | None) -> None:
        self.said = said
        self.asked = 0
        self.url = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        if self.said is not None:
            writer.write(self.said.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
            await writer.drain()
        else:
            await reader.read()
        writer.close()


@asynccontextmanager
async def serving_list(said: bytes | None) -> AsyncIterator[Provider]:
    provider = Provider(said)
    server = await asyncio.start_server(provider.answer, "127.0.0.1", 0)
    provider.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    async with server:
        yield provider


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(checking, "TIMEOUT_S", 1.5)


@asynccontextmanager
async def contract(services: ControlServices) -> AsyncIterator[FakeRelay]:
    server = ContractServer(
        services.settings.contract_socket, services.keeper, services.metrics, services.health.report,
        provider_health=services.provider_health,
    )  # fmt: skip
    await server.start()
    relay = await FakeRelay.connect(services.settings.contract_socket)
    try:
        yield relay
    finally:
        await relay.close()
        await server.stop()


@asynccontextmanager
async def checks(services: ControlServices) -> AsyncIterator[None]:
    runner = ProviderChecks(services)
    await runner.start()
    try:
        yield
    finally:
        await runner.stop()


async def checked(operator: Api, upstream: Provider, slug: str = "acme") -> None:
    await make_provider(
        operator, slug, api_base_url=upstream.url, allow_addresses=["127.0.0.0/8"], shared_api_key="sk-12345678901234",
        config={"health_check_s": 1},
    )  # fmt: skip


def told_down(relay: FakeRelay) -> list[tuple[str, ...]]:
    return [message.slugs for message in relay.messages if isinstance(message, ProvidersDown)]


@pytest.mark.usefixtures("at_once")
async def test_a_provider_that_does_not_answer_goes_down_and_comes_back_by_itself(
    services: ControlServices, operator: Api
) -> None:
    async with serving_list(LIST) as upstream, contract(services) as relay:
        await checked(operator, upstream)
        async with checks(services):
            view = await until(operator, lambda view: view["healthy"] is not None)
            assert (view["healthy"], view["interval_s"], view["status"], view["error"]) == (True, 1, 200, None)
            upstream.said = None
            view = await until(operator, lambda view: view["healthy"] is False)
            assert view["failures"] >= 2
            assert "did not answer" in view["error"]
            await relay.until(lambda r: told_down(r) == [("acme",)])
            late = await FakeRelay.connect(services.settings.contract_socket, incarnation="late")
            await late.until(lambda r: told_down(r) == [("acme",)])
            await late.close()
            upstream.said = LIST
            await until(operator, lambda view: view["healthy"] is True)
            await relay.until(lambda r: told_down(r) == [("acme",), ()])


@pytest.mark.usefixtures("at_once")
async def test_a_refused_credential_is_shown_and_is_not_down(services: ControlServices, operator: Api) -> None:
    refused = answer({"error": {"message": "bad key"}}, "401 No")
    async with serving_list(refused) as upstream:
        await checked(operator, upstream)
        async with checks(services):
            view = await until(operator, lambda view: view["error"] is not None)
            assert (view["healthy"], view["status"], view["failures"]) == (True, 401, 0)


@pytest.mark.usefixtures("at_once")
async def test_who_is_not_to_be_checked_is_not_asked_and_not_down(services: ControlServices, operator: Api) -> None:
    async with serving_list(answer(b"", "500 Oops")) as upstream:
        await checked(operator, upstream)
        await make_provider(operator, "other", api_base_url=upstream.url, allow_addresses=["127.0.0.0/8"])
        async with checks(services):
            await until(operator, lambda view: view["healthy"] is False)
            await operator.data("PATCH", f"{PROVIDERS}/acme", {"config": {}})
            await until(operator, lambda view: view["healthy"] is None)
            asked = upstream.asked
            await asyncio.sleep(1.3)
            assert upstream.asked == asked
        assert services.provider_health.down == frozenset()
        assert (await operator.data("GET", f"{PROVIDERS}/other/health"))["interval_s"] is None


async def test_what_relays_report_is_shown_by_deployment(services: ControlServices, operator: Api) -> None:
    await make_provider(operator)
    await make_model(operator, "acme", "m")
    async with contract(services) as relay:
        for state, hand in ((0, 2), (2, 5)):
            samples = (
                Sample("turnpike_breaker_state", ("acme", "m"), state),
                Sample("turnpike_backend_in_flight", ("acme", "m"), hand),
                Sample("turnpike_backend_limit", ("acme", "m"), 10),
                Sample("turnpike_backend_in_flight", ("other", "m"), 99),
            )
            if state:
                relay = await FakeRelay.connect(services.settings.contract_socket, incarnation="second")
            relay.send(Counters(0, samples))
        async with asyncio.timeout(3):
            while len(services.metrics.relays()) < 2:
                await asyncio.sleep(0.01)
        shown = (await operator.data("GET", f"{PROVIDERS}/acme/health"))["deployments"]
        await relay.close()
    assert shown == [
        {
            "model": "m", "breaker": "open", "cooldown_s": 0, "in_flight": 7, "limit": 20, "latency_s": 0, "failing": 0,
        }
    ]  # fmt: skip


async def until(operator: Api, condition: Callable[[dict[str, Any]], bool], timeout_s: float = 12.0) -> dict[str, Any]:
    async with asyncio.timeout(timeout_s):
        while True:
            view = await operator.data("GET", f"{PROVIDERS}/acme/health")
            if condition(view):
                return view
            await asyncio.sleep(0.05)
