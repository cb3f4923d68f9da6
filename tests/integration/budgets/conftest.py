"""A whole gateway in front of the simulator, on each database, with a model of every kind; tests set the budgets."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from tests.support.databases import PostgresServer
from tests.support.gateway import PRICES_USD_PER_MILLION, UPSTREAM_KEY, RunningGateway, running_gateway
from tests.support.media import GPT_IMAGE
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator

SCOPES = ["models:read", "inference:text", "inference:image", "inference:audio", "embeddings", "passthrough"]
NANO = 10**9
BOUNDED = {"context_window": 2000, "max_output_tokens": 100, "price_override": PRICES_USD_PER_MILLION}


def usd(nanousd: int) -> str:
    return f"{nanousd // NANO}.{nanousd % NANO:09d}"


def nanousd(text: str) -> int:
    return int(Decimal(text) * NANO)


@dataclass
class Spender:
    """Somebody with a key."""

    gateway: RunningGateway
    key: str
    key_id: str
    user_id: str

    def ask(self, path: str, body: Any = None, method: str = "POST", **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        return httpx2.request(
            method, self.gateway.url + path, json=body, headers=headers, timeout=60, trust_env=False, **options
        )

    def chat(self, model: str = "chat-by-openai", **more: Any) -> httpx2.Response:
        headers = more.pop("headers", {})
        body = {"model": model, "messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 20, **more}
        return self.ask("/v1/chat/completions", body, headers=headers)

    def budget(self, amount_nanousd: int, kind: str = "key", subject: str | None = None, **more: Any) -> dict[str, Any]:
        """Sets one, and returns when the relay has heard of it."""
        own = {"key": self.key_id, "user": self.user_id}
        body = {"kind": kind, "subject": own.get(kind, "") if subject is None else subject, "period": "total"}
        made = self.gateway.api("POST", "/budgets", {**body, "amount_usd": usd(amount_nanousd), **more})
        settle(self.gateway)
        return made

    def rows(self) -> list[dict[str, Any]]:
        return self.gateway.api("GET", "/ledger", key_id=self.key_id, per_page=100)


def settle(gateway: RunningGateway) -> None:
    """Returns when the relay has heard of every change so far: it knows an alias that was made behind them."""
    name = f"settled-{len(gateway.served_models())}"
    gateway.api("POST", "/ai/aliases", {"name": name, "target": "chat-by-openai"})
    gateway.wait_for_model(name)


def spent(gateway: RunningGateway, budget: dict[str, Any]) -> int:
    """What the counter says; it moves in the transaction that puts rows into the ledger."""
    return nanousd(gateway.api("GET", f"/budgets/{budget['id']}")["spent_usd"])


def spender(gateway: RunningGateway, name: str) -> Spender:
    user = gateway.api("POST", "/users", {"display_name": name, "role": "user"})
    made = gateway.api("POST", "/keys", {"name": name, "user_id": user["id"], "scopes": SCOPES})
    return Spender(gateway, made["key"], made["id"], user["id"])


def _register(gateway: RunningGateway) -> None:
    simulator = gateway.simulator
    for vendor, address in (
        ("openai", simulator.openai_url), ("anthropic", simulator.url), ("cohere", simulator.url),
    ):  # fmt: skip
        slug = f"sim-{vendor}"
        common = {"vendor": vendor, "name": slug, "slug": slug, "api_base_url": address}
        more = {"shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"]}
        gateway.providers[slug] = gateway.api("POST", "/ai/providers", {**common, **more})["id"]
    models = (
        ("sim-openai", "chat-by-openai", "simulator", "chat", BOUNDED),
        ("sim-openai", "chat-by-both", "simulator-pair", "chat", BOUNDED),
        ("sim-anthropic", "chat-by-both", "simulator-pair", "chat", BOUNDED),
        ("sim-openai", "unpriced", "simulator-free", "chat", {}),
        ("sim-openai", "embed", "simulator-embedding", "embeddings", BOUNDED),
        ("sim-openai", "paint", "dall-e-3-sim", "image", {"price_override": {"image": {"*": "0.04"}}}),
        ("sim-openai", "speak", "tts-1", "audio", {"price_override": {"character": 15}}),
        (
            "sim-openai",
            "retouch",
            "gpt-image-sim",
            "image",
            {"price_override": GPT_IMAGE.price, "context_window": 2000},
        ),
        ("sim-openai", "judge", "omni-moderation-latest", "moderation", {"price_override": {"request": "0.001"}}),
        ("sim-cohere", "rank", "rerank-v3.5", "rerank", {"price_override": {"search": "0.002"}}),
        ("sim-openai", "talk", "gpt-realtime-sim", "realtime", BOUNDED),
        ("sim-openai", "copied", "simulator-copied", "chat", BOUNDED),
        ("sim-openai", "hear", "whisper-1", "speech_to_text", {"price_override": {"input_audio_hour": "0.36"}}),
    )
    for slug, name, model_id, capability, more in models:
        body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": [capability], **more}
        gateway.api("POST", "/ai/models", body)
    for _, name, *_ in models:
        gateway.wait_for_model(name)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    settings = {}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings["TURNPIKE_DATABASE_URL"] = server.address(server.create())
    with running_gateway(tmp_path_factory.mktemp("budgets"), simulator, settings=settings) as running:
        _register(running)
        yield running


@pytest.fixture
def ada(gateway: RunningGateway, request: pytest.FixtureRequest) -> Spender:
    return spender(gateway, request.node.name[:100])
