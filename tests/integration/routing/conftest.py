"""A gateway with deployments in several regions, some of which fail."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.support.gateway import PRICES_USD_PER_MILLION, UPSTREAM_KEY, RunningGateway, running_gateway, wait_for
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

_numbers = count(1)
REGIONS = ("eu-1", "eu-2", "us-1")


@dataclass
class Road:
    gateway: RunningGateway

    def provider(self, region: str) -> None:
        body = {
            "vendor": "openai",
            "name": region,
            "slug": region,
            "api_base_url": f"{self.gateway.simulator.url}/v1",
            "shared_api_key": UPSTREAM_KEY,
            "allow_addresses": ["127.0.0.1/32"],
            "region": region,
        }
        self.gateway.api("POST", "/ai/providers", body)

    def model(self, region: str, fault: str = "", **more: Any) -> dict[str, Any]:
        """A model with one deployment."""
        number = next(_numbers)
        name = f"model-{number}"
        # Each has an upstream name of its own, so that its calls can be told apart.
        upstream = f"sim/{fault},key=k{number}" if fault else f"simulator-{number}"
        price = {"price_override": PRICES_USD_PER_MILLION}
        return self.gateway.add_model(region, name, upstream, **{**price, **more})

    def route(self, *rules: dict[str, Any], name: str | None = None) -> str:
        name = name or f"route-{next(_numbers)}"
        self.gateway.api("POST", "/routes", {"name": name, "rules": list(rules)})
        self.wait_until_served(name)
        return name

    def wait_until_served(self, name: str) -> None:
        self.gateway.wait_for_model(name)
        # A change of what is served already is at work once a later one is.
        number = next(_numbers)
        self.gateway.add_model("us-1", f"marker-{number}", f"marker-{number}")

    def ask(self, model: str, key: str | None = None, **more: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key or self.gateway.admin_key}", **more.pop("headers", {})}
        body = {"model": model, "messages": [{"role": "user", "content": "hello"}], **more}
        return httpx2.post(f"{self.gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20)

    def explain(self, model: str, **more: Any) -> dict[str, Any]:
        return self.gateway.api("POST", "/routes/explain", {"model": model, **more})

    def copies_of(self, event_id: str) -> list[dict[str, Any]]:
        rows = self.gateway.api("GET", "/ledger", per_page=200)
        return [row for row in rows if row["mirror_of"] == event_id]

    def row(self, answer: httpx2.Response) -> dict[str, Any]:
        """The ledger's row of the request itself."""

        def look() -> dict[str, Any] | None:
            rows = self.gateway.ledger_rows(answer.headers["x-request-id"])
            own = [row for row in rows if row["mirror_of"] is None]
            return own[0] if own else None

        return wait_for("a row", look)


@pytest.fixture(scope="session")
def road(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Road]:
    with running_gateway(tmp_path_factory.mktemp("routing"), simulator) as running:
        road = Road(running)
        for region in REGIONS:
            road.provider(region)
        yield road
