"""A whole gateway in front of the simulator, on each database, and two people who share a provider's account."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.databases import PostgresServer
from tests.support.gateway import RunningGateway, register_simulator, running_gateway
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


@pytest.fixture(scope="package", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    settings = {}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings["TURNPIKE_DATABASE_URL"] = server.address(server.create())
    with running_gateway(tmp_path_factory.mktemp("passage"), simulator, settings=settings) as running:
        register_simulator(running)
        yield running


@pytest.fixture(scope="package")
def ada(gateway: RunningGateway) -> Person:
    return person(gateway, "Ada")


@pytest.fixture(scope="package")
def bob(gateway: RunningGateway) -> Person:
    return person(gateway, "Bob")
