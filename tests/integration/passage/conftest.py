"""A whole gateway in front of the simulator, on each database, and two people who share a provider's account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.databases import PostgresServer
from tests.support.gateway import PRICES_USD_PER_MILLION, UPSTREAM_KEY, RunningGateway, running_gateway
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

SCOPES = ["models:read", "inference:text", "embeddings", "passthrough"]


@dataclass
class Person:
    """Somebody with a key."""

    url: str
    key: str
    user_id: str

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx2.request(method, self.url + path, headers=headers, timeout=30, trust_env=False, **options)

    def made(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The answer's JSON; it must have gone well."""
        response = self.ask(method, path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def upload(self, content: bytes, purpose: str = "user_data", path: str = "/v1/files") -> httpx2.Response:
        return self.ask("POST", path, files={"file": ("a.jsonl", content)}, data={"purpose": purpose})


def person(gateway: RunningGateway, name: str, **key: Any) -> Person:
    user = gateway.api("POST", "/users", {"display_name": name, "role": key.pop("role", "user")})
    made = gateway.create_key(name, user_id=user["id"], **{"scopes": SCOPES, **key})
    return Person(gateway.url, made, user["id"])


def register(gateway: RunningGateway) -> None:
    """One provider of OpenAI's API and one of Anthropic's, with a model each and one that both have."""
    simulator = gateway.simulator
    for vendor, address in (("openai", simulator.openai_url), ("anthropic", simulator.url)):
        slug = f"sim-{vendor}"
        body = {
            "vendor": vendor,
            "name": slug,
            "slug": slug,
            "api_base_url": address,
            "shared_api_key": UPSTREAM_KEY,
            "allow_addresses": ["127.0.0.1/32"],
        }
        gateway.providers[slug] = gateway.api("POST", "/ai/providers", body)["id"]
        _model(gateway, slug, f"chat-by-{vendor}", "simulator", "chat")
        _model(gateway, slug, "chat-by-both", "simulator-pair", "chat")
    _model(gateway, "sim-openai", "embed-by-openai", "simulator-embedding", "embeddings")
    for name in ("chat-by-openai", "chat-by-anthropic", "chat-by-both", "embed-by-openai"):
        gateway.wait_for_model(name)


def _model(gateway: RunningGateway, slug: str, name: str, model_id: str, capability: str) -> None:
    body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": [capability]}
    gateway.api("POST", "/ai/models", {**body, "price_override": PRICES_USD_PER_MILLION})


@pytest.fixture(scope="package", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    settings = {}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings["TURNPIKE_DATABASE_URL"] = server.address(server.create())
    with running_gateway(tmp_path_factory.mktemp("passage"), simulator, settings=settings) as running:
        register(running)
        yield running


@pytest.fixture(scope="package")
def ada(gateway: RunningGateway) -> Person:
    return person(gateway, "Ada")


@pytest.fixture(scope="package")
def bob(gateway: RunningGateway) -> Person:
    return person(gateway, "Bob")
