"""A provider that fails in part, hangs, or wants a rest, beside a healthy one: callers of a whole installation hardly
notice, in whichever dialect, streamed or not, and no call is tried without end."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.support.crowd import asks, crowd, quantile_s, share_whole
from tests.support.gateway import PRICES_USD_PER_MILLION, UPSTREAM_KEY, RunningGateway, running_gateway, wait_for
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

CALLS = 1000
MAX_ATTEMPTS = 3
HANG_S = 2.0
LATENCY = "latency=20ms"
FAULTS = {
    "fails 30 %": f"share=30%,status=500,{LATENCY}",
    "answers 429": f"status=429,{LATENCY}",
    "answers 429 with a time": f"retry-after=1,{LATENCY}",
    "breaks off 30 %": f"share=30%,cut=0,{LATENCY}",
    "hangs": "hang",
}
HANGING = f"model-{len(FAULTS) - 1}"


@dataclass
class Installed:
    gateway: RunningGateway
    port: int

    def model(self, name: str, first: str, second: str) -> None:
        """With a deployment at each of the two providers."""
        for slug, faults in (("one", first), ("two", second)):
            body = {"provider": slug, "name": name, "model_id": f"sim/{faults},key={name}-{slug}"}
            priced = {"capabilities": ["chat"], "price_override": PRICES_USD_PER_MILLION}
            self.gateway.api("POST", "/ai/models", {**body, **priced})

    def asked(self, name: str) -> list[int]:
        """How often each of its deployments was called."""
        calls = [each["model"] for each in self.gateway.simulator.calls()]
        return [sum(f"key={name}-{slug}" in model for model in calls) for slug in ("one", "two")]


@pytest.fixture(scope="module")
def installed(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with running_gateway(tmp_path_factory.mktemp("failing"), simulator, relays=2) as running:
        for slug in ("one", "two"):
            body = {"vendor": "openai", "name": slug, "slug": slug, "api_base_url": f"{simulator.url}/v1"}
            access = {"shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"]}
            # Anthropic's dialect is translated: the provider speaks OpenAI's alone.
            running.api("POST", "/ai/providers", {**body, **access})
        made = Installed(running, urlsplit(running.url).port or 0)
        made.model("healthy", LATENCY, LATENCY)
        for number, fault in enumerate(FAULTS.values()):
            made.model(f"model-{number}", fault, LATENCY)
        for name in ("healthy", *(f"model-{number}" for number in range(len(FAULTS)))):
            running.wait_for_model(name)
        # One relay said so; the other has it within a second, on a busy machine within a few.
        time.sleep(3)
        yield made


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=list(FAULTS))
async def test_callers_hardly_notice_a_bad_deployment_beside_a_healthy_one(installed: Installed, number: int) -> None:
    model = f"model-{number}"
    if model == HANGING:
        # For this one alone: a machine that stalls makes a healthy deployment hang as well.
        hang = {"hang_timeout_s": HANG_S, "hang_timeout_whole_s": HANG_S}
        installed.gateway.api("PATCH", "/admin/resilience", hang)
        installed.gateway.add_model("one", "marker", "simulator")
    done = await crowd(installed.port, asks(model, installed.gateway.admin_key), CALLS)
    assert share_whole(done) >= 0.999, {(each.status, each.code, each.attempts) for each in done if not each.whole}
    assert max(each.attempts for each in done) <= MAX_ATTEMPTS
    asked = wait_for("every attempt at the upstream", lambda: found if sum(found := installed.asked(model)) else None)
    assert asked[0] > 0, "the bad one was never asked: this shows nothing"
    # On a kept connection that breaks before a byte came, an attempt is sent again.
    assert sum(each.attempts for each in done) <= sum(asked) <= 1.35 * CALLS
    # Nobody waits for more than the hang and a call: the median is that of a healthy deployment.
    assert quantile_s(done, 0.5) < HANG_S
