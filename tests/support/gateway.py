"""A whole gateway as a user runs it, in front of a simulator: `turnpike serve` and its REST interface."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest

from tests.support.cases import Usage
from tests.support.simulator import RunningSimulator
from turnpike.wire.operations import Operation
from turnpike.wire.vendors import VENDORS

T = TypeVar("T")

CHANGE_TIMEOUT_S = 10.0
"""A change is at work within a second; a busy machine gets more before the test gives up."""
UPSTREAM_KEY = "sk-upstream-secret-7777"
PRICES_USD_PER_MILLION = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 1.25}
UPSTREAM_MODEL = "simulator"


@dataclass(frozen=True)
class Side:
    """A way out of the gateway: a provider that speaks one dialect, and the model that callers ask for."""

    dialect: str
    vendor: str
    slug: str
    model: str


SIDES: dict[str, Side] = {
    "openai_chat": Side("openai_chat", "openai", "sim-openai", "chat-by-openai"),
    "anthropic_messages": Side("anthropic_messages", "anthropic", "sim-anthropic", "chat-by-anthropic"),
    "openai_responses": Side("openai_responses", "openai", "sim-responses", "chat-by-responses"),
    "gemini": Side("gemini", "gemini", "sim-gemini", "chat-by-gemini"),
    "cohere_chat": Side("cohere_chat", "cohere", "sim-cohere", "chat-by-cohere"),
}
EMBEDDING_MODEL = "embed-by-openai"
GEMINI_EMBEDDING_MODEL = "embed-by-google"
"""Google's SDK makes one content of several texts for a model with `gemini` in its name."""
COHERE_EMBEDDING_MODEL = "embed-by-cohere"
PAIR_MODEL = "chat-by-both"
"""A model with a deployment at OpenAI and one at Anthropic."""
PAIR = ("openai_chat", "anthropic_messages")


def cost_nanousd(usage: Usage) -> int:
    """What a usage costs by the prices that the fixture registers. A dollar a million tokens is 1,000 nano-dollars a
    token."""
    fresh = usage.input - usage.cached - usage.cache_write
    dollars_per_million = (
        (fresh, PRICES_USD_PER_MILLION["input"]),
        (usage.cached, PRICES_USD_PER_MILLION["cache_read"]),
        (usage.cache_write, PRICES_USD_PER_MILLION["cache_write"]),
        (usage.output, PRICES_USD_PER_MILLION["output"]),
    )
    return sum(count * round(price * 1000) for count, price in dollars_per_million)


def wait_for(what: str, probe: Callable[[], T | None], timeout_s: float = CHANGE_TIMEOUT_S) -> T:
    """Asks until there is something; fails with what was waited for."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = probe()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.05)


@dataclass
class RunningGateway:
    process: subprocess.Popen[str]
    url: str
    admin_key: str
    folder: Path
    simulator: RunningSimulator
    providers: dict[str, str] = field(default_factory=dict)
    """Ids by slug."""

    # ---- the platform's REST interface

    def api(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The `data` of an answer that succeeded; anything else fails the test with what the gateway said."""
        response = httpx2.request(
            method,
            f"{self.url}/api/v1{path}",
            json=body,
            params={name: str(value) for name, value in query.items()},
            headers={"authorization": f"Bearer {self.admin_key}"},
            timeout=20,
        )
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        if response.status_code == 204:
            return None
        envelope = response.json()
        assert envelope["success"] is True, envelope
        return envelope["data"]

    def create_key(self, name: str, **wishes: Any) -> str:
        return self.api("POST", "/keys", {"name": name, **wishes})["key"]

    def add_model(self, slug: str, name: str, model_id: str, **more: Any) -> dict[str, Any]:
        """Registers a model at one of the two providers and waits until the relay serves it."""
        body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": ["chat"]}
        model = self.api("POST", "/ai/models", {**body, **more})
        self.wait_for_model(name)
        return model

    def wait_for_model(self, name: str) -> None:
        wait_for(f"the model {name} is served", lambda: True if name in self.served_models() else None)

    def served_models(self) -> list[str]:
        headers = {"authorization": f"Bearer {self.admin_key}"}
        response = httpx2.get(f"{self.url}/v1/models", headers=headers, timeout=20)
        assert response.is_success, response.text
        return [model["id"] for model in response.json()["data"]]

    # ---- what was written down

    def ledger_row(self, request_id: str) -> dict[str, Any]:
        """The one row of a request."""
        rows = wait_for(f"a ledger row of {request_id}", lambda: self.ledger_rows(request_id) or None)
        assert len(rows) == 1, rows
        return rows[0]

    def ledger_rows(self, request_id: str) -> list[dict[str, Any]]:
        return self.api("GET", "/ledger", request_id=request_id)

    def upstream_call(self, request_id: str) -> dict[str, Any]:
        """The one call that reached the simulator for a request, with its headers and body."""
        (call,) = self.simulator.calls_of(request_id)
        return call


def _environment() -> dict[str, str]:
    """Without the keys and settings of the machine that the tests run on."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    kept = {name: value for name, value in kept.items() if not name.startswith("TURNPIKE_")}
    return {**kept, "TURNPIKE_SIMULATOR": "false", "TURNPIKE_DRAIN_TIMEOUT_S": "3"}


@contextmanager
def running_gateway(
    folder: Path, simulator: RunningSimulator, *, relays: int = 1, settings: Mapping[str, str] | None = None
) -> Iterator[RunningGateway]:
    """Starts `turnpike serve` on a free port with an empty data folder, and ends it."""
    data = folder / "data"
    log = (folder / "serve.log").open("w+")
    command = [sys.executable, "-m", "turnpike.cli", "serve", "--json", "--port", "0", "--relays", str(relays)]
    process = subprocess.Popen(
        [*command, "--data-dir", str(data)],
        stdout=subprocess.PIPE,
        stderr=log,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**_environment(), **(settings or {})},
        cwd=folder,
    )
    assert process.stdout is not None
    try:
        # Standard output carries one JSON object, once the gateway serves and its first steps are done.
        first = _read_object(process)
        if first is None or "url" not in first:
            log.seek(0)
            pytest.fail(f"the gateway did not start: {first}\n{log.read()}")
        key = (data / "first-key.txt").read_text().strip()
        yield RunningGateway(process, first["url"], key, data, simulator)
    finally:
        _end(process)
        process.stdout.close()
        log.close()


def _read_object(process: subprocess.Popen[str]) -> dict[str, Any] | None:
    """The JSON object that `serve --json` prints, over however many lines; None when the process ends first."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            continue
    return None


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


_BASES = {"openai": "/v1", "gemini": "/v1beta"}
"""What follows the simulator's address in a vendor's base URL."""


def _own_form_only(side: Side) -> dict[str, Any]:
    """Where a vendor speaks several dialects, the side's alone: each caller of another one is translated."""
    vendor = VENDORS[side.vendor]
    if len(vendor.operations[Operation.CHAT]) == 1:
        return {}
    family = side.dialect.partition("_")[0]
    own: dict[str, list[dict[str, str]]] = {}
    for operation, specs in vendor.operations.items():
        kept = [
            spec
            for spec in specs
            if (spec.dialect == side.dialect if operation is Operation.CHAT else spec.dialect.startswith(family))
        ]
        own[str(operation)] = [
            {"dialect": spec.dialect, "path": spec.path}
            | ({"stream_path": spec.stream_path} if spec.stream_path is not None else {})
            for spec in kept
        ]
    return {"operations": {operation: specs for operation, specs in own.items() if specs}}


def register_simulator(gateway: RunningGateway) -> None:
    """Every side's provider, their models with prices, and one model that has a deployment at two of them."""
    simulator = gateway.simulator
    for side in SIDES.values():
        provider = gateway.api(
            "POST",
            "/ai/providers",
            {
                "vendor": side.vendor,
                "name": side.slug,
                "slug": side.slug,
                "api_base_url": simulator.url + _BASES.get(side.vendor, ""),
                "shared_api_key": UPSTREAM_KEY,
                "allow_addresses": ["127.0.0.1/32"],
                "config": _own_form_only(side),
            },
        )
        gateway.providers[side.slug] = provider["id"]
        _register(gateway, side, side.model, UPSTREAM_MODEL, ["chat"])
        if side.dialect in PAIR:
            _register(gateway, side, PAIR_MODEL, f"{UPSTREAM_MODEL}-pair", ["chat"])
    _register(gateway, SIDES["openai_chat"], EMBEDDING_MODEL, "simulator-embedding", ["embeddings"])
    _register(gateway, SIDES["gemini"], GEMINI_EMBEDDING_MODEL, "simulator-embedding", ["embeddings"])
    _register(gateway, SIDES["cohere_chat"], COHERE_EMBEDDING_MODEL, "simulator-embedding", ["embeddings"])
    embedding = (EMBEDDING_MODEL, GEMINI_EMBEDDING_MODEL, COHERE_EMBEDDING_MODEL)
    for name in (*(side.model for side in SIDES.values()), PAIR_MODEL, *embedding):
        gateway.wait_for_model(name)


def _register(gateway: RunningGateway, side: Side, name: str, model_id: str, capabilities: list[str]) -> None:
    body = {
        "provider": side.slug,
        "name": name,
        "model_id": model_id,
        "capabilities": capabilities,
        "price_override": PRICES_USD_PER_MILLION,
    }
    gateway.api("POST", "/ai/models", body)
