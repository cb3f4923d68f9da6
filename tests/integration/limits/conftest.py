"""A gateway with one relay whose limits the tests set, each for keys and people of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.gateway import RunningGateway, register_simulator, running_gateway
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

HOUR_S = 3600
"""A window that hardly ever ends while a test runs."""


@dataclass
class Caller:
    """Somebody with a key of their own."""

    gateway: RunningGateway
    key: str
    key_id: str
    user_id: str

    def ask(self, path: str = "/v1/chat/completions", body: Any = None, **options: Any) -> httpx2.Response:
        model = options.pop("model", "chat-by-openai")
        said = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "Hello!"}]}
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx2.request(
            options.pop("method", "POST"),
            self.gateway.url + path,
            json=None if "files" in options else body or said,
            headers=headers,
            timeout=30,
            trust_env=False,
            **options,
        )

    def statuses(self, number: int, **options: Any) -> list[int]:
        return [self.ask(**options).status_code for _ in range(number)]

    def limit(self, subject: str = "key", name: str | None = None, **rule: Any) -> dict[str, Any]:
        """Sets a rule and returns when it is at work."""
        own = {"key": self.key_id, "user": self.user_id}
        body = {"subject": subject, "name": own.get(subject, "") if name is None else name, "window_s": HOUR_S, **rule}
        if body.get("resource") == "concurrency":
            del body["window_s"]
        made = self.gateway.api("PUT", "/limits", body)
        settle(self.gateway)
        return made


def settle(gateway: RunningGateway) -> None:
    """Returns when the relay has heard of every change so far: it knows an alias that was made behind them."""
    name = f"settled-{len(gateway.served_models())}"
    gateway.api("POST", "/ai/aliases", {"name": name, "target": "chat-by-openai"})
    gateway.wait_for_model(name)


def caller(gateway: RunningGateway, name: str, **key: Any) -> Caller:
    user = gateway.api("POST", "/users", {"display_name": name, "role": "user"})
    made = gateway.api("POST", "/keys", {"name": name, "user_id": user["id"], **key})
    return Caller(gateway, made["key"], made["id"], user["id"])


@pytest.fixture(scope="module")
def gateway(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with running_gateway(tmp_path_factory.mktemp("limits"), simulator) as running:
        register_simulator(running)
        yield running


@pytest.fixture
def ada(gateway: RunningGateway, request: pytest.FixtureRequest) -> Caller:
    scopes = ["models:read", "inference:text", "inference:image", "inference:audio", "embeddings", "passthrough"]
    return caller(gateway, request.node.name[:100], scopes=scopes)
