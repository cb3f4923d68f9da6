"""A moderation model asked in a whole gateway: everything that governs the caller's call governs the question too, but
limits, which count a call once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from tests.support.gateway import PRICES_USD_PER_MILLION, UPSTREAM_KEY, RunningGateway, running_gateway, wait_for
from tests.support.simulator import running_simulator

SETTINGS = {
    "TURNPIKE_RATE_LIMIT_ENABLED": "true",
    "TURNPIKE_RATE_LIMIT_REQUESTS": "8",
    "TURNPIKE_RATE_LIMIT_WINDOW": "86400",
    "TURNPIKE_TRUSTED_PROXIES": "127.0.0.1/32",
}
SCOPES = ["models:read", "inference:text", "passthrough"]
CHAT, MODERATOR = "guarded-chat", "moderator"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    folder = tmp_path_factory.mktemp("moderated")
    with running_simulator() as simulator, running_gateway(folder, simulator, settings=SETTINGS) as running:
        for slug, region in (("here", "eu-1"), ("abroad", "us-1")):
            provider = {"vendor": "openai", "name": slug, "slug": slug, "api_base_url": f"{simulator.url}/v1"}
            access = {"shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"], "region": region}
            running.api("POST", "/ai/providers", {**provider, **access})
        prices = {"price_override": PRICES_USD_PER_MILLION, "context_window": 2000, "max_output_tokens": 100}
        running.add_model("here", CHAT, "sim/latency=200ms", **prices)
        running.add_model("abroad", MODERATOR, "omni-moderation-latest", capabilities=["moderation"], **prices)
        yield running


class Asker:
    """Somebody with a key under a policy that asks the model."""

    def __init__(self, gateway: RunningGateway, name: str, **key: Any) -> None:
        made = gateway.api("POST", "/keys", {"name": name, "scopes": SCOPES, **key})
        self.gateway, self.key, self.key_id = gateway, made["key"], made["id"]
        guard = {"name": "m", "kind": "moderation", "action": "block", "on": "prompt", "model": MODERATOR}
        gateway.api("POST", "/policies", {"name": name, "keys": [self.key_id], "guards": [guard]})
        settle(gateway)

    def ask(self, address: str = "198.51.100.1", **headers: str) -> httpx2.Response:
        body = {"model": CHAT, "max_tokens": 5, "messages": [{"role": "user", "content": "Hello!"}]}
        headers = {"authorization": f"Bearer {self.key}", "x-forwarded-for": address, **headers}
        return httpx2.post(f"{self.gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=30)

    def rows(self, reply: httpx2.Response, number: int) -> list[dict[str, Any]]:
        name = reply.headers["x-request-id"]

        def found() -> list[dict[str, Any]] | None:
            rows = self.gateway.ledger_rows(name)
            return rows if len(rows) == number else None

        return wait_for(f"{number} rows of {name}", found)


def settle(gateway: RunningGateway) -> None:
    """Returns when the relay has heard of every change so far."""
    name = f"settled-{len(gateway.served_models())}"
    gateway.api("POST", "/ai/aliases", {"name": name, "target": CHAT})
    gateway.wait_for_model(name)


def test_a_spent_budget_refuses_it_in_the_budgets_words(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "payer")
    body = {"kind": "key", "subject": ada.key_id, "period": "total", "amount_usd": "0.000000001"}
    gateway.api("POST", "/budgets", body)
    settle(gateway)
    before = len(gateway.simulator.calls())
    refused = ada.ask()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota"), refused.text
    assert len(gateway.simulator.calls()) == before, "nobody was asked"
    rows = ada.rows(refused, 2)
    assert {row["model_asked"] for row in rows} == {CHAT, MODERATOR}
    assert {row["error_code"] for row in rows} == {"BUDGET_SPENT"}


def test_a_prompt_does_not_leave_its_region_to_be_judged(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "european")
    gateway.api("POST", "/residency", {"name": "europe", "regions": ["eu-*"], "tags": ["personal"]})
    settle(gateway)
    before = len(gateway.simulator.calls())
    refused = ada.ask(**{"x-turnpike-tags": "personal"})
    assert refused.status_code == 400, refused.text
    assert "could not be asked" in refused.text
    assert len(gateway.simulator.calls()) == before
    assert ada.ask().status_code == 200


def test_limits_count_a_call_once_and_hold_one_seat_for_it(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "twice", tier="free")
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda place: ada.ask(f"198.51.100.{place}"), (11, 12)))
    assert [each.status_code for each in at_once] == [200, 200], "the tier has two at once"
    one_by_one = [ada.ask(f"198.51.100.{place}").status_code for place in range(20, 28)]
    assert one_by_one == [200] * 8, "the tier has ten a minute"


def test_the_questions_of_all_callers_share_no_address(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "everywhere", tier="unlimited")
    assert {ada.ask(f"203.0.113.{place}").status_code for place in range(1, 13)} == {200}


def test_an_administrators_call_is_judged_while_the_gateway_is_closed(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "closed", scopes=["models:read", "inference:text", "admin"])
    plain = gateway.create_key("plain", scopes=["models:read"])
    gateway.api("PUT", "/admin/maintenance", {"on": True})
    try:
        headers = {"authorization": f"Bearer {plain}"}
        models = f"{gateway.url}/v1/models"
        wait_for("it is closed", lambda: httpx2.get(models, headers=headers).status_code == 503 or None)
        reply = ada.ask("198.51.100.90")
        assert reply.status_code == 200, reply.text
    finally:
        gateway.api("PUT", "/admin/maintenance", {"on": False})


def test_who_is_over_a_limit_has_nobody_asked_about_what_is_passed_through(gateway: RunningGateway) -> None:
    ada = Asker(gateway, "over")
    limit = {"subject": "key", "name": ada.key_id, "amount": 1, "window_s": 86_400}
    gateway.api("PUT", "/limits", limit)
    settle(gateway)

    def store() -> tuple[int, list[str]]:
        before = len(gateway.simulator.calls())
        reply = httpx2.post(
            f"{gateway.url}/here/v1/vector_stores",
            json={"name": "What is it called?"},
            headers={"authorization": f"Bearer {ada.key}", "x-forwarded-for": "198.51.100.70"},
            timeout=30,
        )
        return reply.status_code, [call["path"] for call in gateway.simulator.calls()[before:]]

    assert store() == (200, ["/v1/moderations", "/v1/vector_stores"])
    assert store() == (429, [])
