"""Every vendor in one real gateway: registered by what it asks for, tested, synced, one call an operation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.gateway import RunningGateway, running_gateway, wait_for
from tests.support.simulator import RunningSimulator
from tests.support.simulator import simulator as simulator
from tests.support.vendor_stub import SAID, VendorStub, chat_model, embeddings_model, vendor_stub
from turnpike.wire.operations import Operation
from turnpike.wire.parameters import fill
from turnpike.wire.vendor import Vendor
from turnpike.wire.vendors import VENDORS

pytestmark = pytest.mark.xdist_group("every vendor")

KEY = "vk-0123456789abcdef"
HERE = {name: vendor for name, vendor in VENDORS.items() if getattr(vendor.auth, "kind", "header") == "header"}
"""Those whose credential is a header; the clouds' own ways to sign are tested with them."""
EVERY = pytest.mark.parametrize("name", list(HERE))
MODELS = {Operation.CHAT: chat_model, Operation.EMBEDDINGS: embeddings_model}
BODIES: dict[Operation, tuple[str, dict[str, Any]]] = {
    Operation.CHAT: ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    Operation.EMBEDDINGS: ("/v1/embeddings", {"input": "hello"}),
}


@dataclass
class Registered:
    gateway: RunningGateway
    stub: VendorStub
    providers: dict[str, dict[str, Any]]
    tests: dict[str, Any]
    syncs: dict[str, Any]


def _try(gateway: RunningGateway, path: str, body: Any) -> Any:
    """The `data`, or the error of an answer that failed."""
    headers = {"authorization": f"Bearer {gateway.admin_key}"}
    answer = httpx2.post(f"{gateway.url}/api/v1{path}", json=body, headers=headers, timeout=20).json()
    return answer["data"] if answer["success"] else answer["error"]


def _register(gateway: RunningGateway, stub: VendorStub, vendor: Vendor) -> dict[str, Any]:
    return gateway.api(
        "POST",
        "/ai/providers",
        {
            "vendor": vendor.name,
            "slug": vendor.name,
            "api_base_url": stub.base_url(vendor.name),
            "shared_api_key": KEY,
            "parameters": {each.name: each.example for each in vendor.parameters if not each.secret},
            "allow_addresses": ["127.0.0.1/32"],
        },
    )


@pytest.fixture(scope="module")
def registered(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    with (
        vendor_stub() as stub,
        running_gateway(tmp_path_factory.mktemp("vendors"), simulator) as gateway,
    ):
        done = Registered(gateway, stub, {}, {}, {})
        for name, vendor in HERE.items():
            provider = done.providers[name] = _register(gateway, stub, vendor)
            done.tests[name] = _try(gateway, f"/ai/providers/{name}/test", {})
            done.syncs[name] = _try(gateway, f"/ai/providers/{name}/sync-models", {"only": [f"{name}-*"]})
            if vendor.models_path is None:
                for operation in vendor.operations:
                    if operation in MODELS:
                        model = MODELS[operation](name)
                        gateway.api("POST", "/ai/models", {"provider": provider["id"], "name": model})
        wanted = {MODELS[operation](name) for name, vendor in HERE.items() for operation in vendor.operations
                  if operation in MODELS}  # fmt: skip
        wait_for("all models are served", lambda: True if wanted <= set(gateway.served_models()) else None)
        yield done


@EVERY
def test_a_vendor_is_asked_for_what_it_lists_with_its_own_credential(registered: Registered, name: str) -> None:
    vendor = HERE[name]
    result = registered.tests[name]
    free = vendor.credential_path or vendor.models_path
    if free is None:
        assert "nothing to ask that costs nothing" in result["message"]
        return
    assert result["ok"] is True, result
    assert result["credential_tested"] is (vendor.credential_path is not None or not vendor.models_public)
    first = registered.stub.seen[name][0]
    path = fill(free, {parameter.name: parameter.example for parameter in vendor.parameters})
    assert first.path.partition("?")[0] == path.partition("?")[0]
    if vendor.auth.header:
        assert first.headers[vendor.auth.header] == vendor.auth.prefix + KEY
    for header, value in vendor.headers.items():
        assert first.headers[header] == value


@EVERY
def test_a_vendors_models_are_synced_with_what_they_can_do(registered: Registered, name: str) -> None:
    vendor = HERE[name]
    rows = {row["model_id"]: row for row in registered.gateway.api("GET", "/ai/models", provider=name, per_page=100)}
    if vendor.models_path is not None:
        assert {chat_model(name), embeddings_model(name)} <= set(rows), registered.syncs[name]
    if Operation.CHAT in vendor.operations:
        assert rows[chat_model(name)]["capabilities"] == ["chat"]
    if Operation.EMBEDDINGS in vendor.operations:
        assert rows[embeddings_model(name)]["capabilities"] == ["embeddings"]


@pytest.mark.parametrize(
    ("name", "operation"),
    [(name, operation) for name, vendor in HERE.items() for operation in vendor.operations if operation in BODIES],
)
def test_a_call_reaches_a_vendor_as_its_reference_has_it(
    registered: Registered, name: str, operation: Operation
) -> None:
    vendor = HERE[name]
    path, body = BODIES[operation]
    model = MODELS[operation](name)
    answer = httpx2.post(
        f"{registered.gateway.url}{path}",
        json={"model": model, **body},
        headers={"authorization": f"Bearer {registered.gateway.admin_key}"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    if operation is Operation.CHAT:
        assert answer.json()["choices"][0]["message"]["content"] == SAID
    seen = registered.stub.last(name)
    assert seen.path in [spec.path_for(model) for spec in vendor.operations[operation]]
    if vendor.auth.header:
        assert seen.headers[vendor.auth.header] == vendor.auth.prefix + KEY
    if "{model" not in vendor.operations[operation][0].path:
        assert seen.body["model"] == model
    assert registered.gateway.admin_key not in str(seen)


def test_a_vendor_that_lists_nothing_is_synced_from_the_price_list(registered: Registered) -> None:
    done = registered.syncs["voyage"]
    assert done["listed"] is False
    assert "voyage-3-large" in done["added"]
    assert (done["unpriced"], done["missing"]) == ([], [])


def test_a_provider_of_ones_own_needs_no_code(registered: Registered) -> None:
    """Its own address, header, paths and quirks."""
    gateway, stub = registered.gateway, registered.stub
    gateway.api(
        "POST",
        "/ai/providers",
        {
            "name": "Own",
            "slug": "own",
            "vendor": "openai_compatible",
            "api_base_url": f"{stub.base_url('openai_compatible')}/v7",
            "shared_api_key": KEY,
            "allow_addresses": ["127.0.0.1/32"],
            "config": {
                "auth": {"header": "api-key", "prefix": "Key "},
                "headers": {"x-team": "blue"},
                "operations": {"chat": [{"dialect": "openai_chat", "path": "/llm/{model}/chat/completions"}]},
                "quirks": ["max_tokens", "no_developer_role"],
            },
        },
    )
    gateway.api("POST", "/ai/models", {"provider": "own", "name": "own-model", "model_id": "deep/model"})
    gateway.wait_for_model("own-model")
    answer = httpx2.post(
        f"{gateway.url}/v1/chat/completions",
        json={
            "model": "own-model",
            "max_completion_tokens": 9,
            "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        },
        headers={"authorization": f"Bearer {gateway.admin_key}"},
        timeout=20,
    )
    assert answer.status_code == 200, answer.text
    seen = stub.last("openai_compatible")
    assert seen.path == "/v7/llm/deep%2Fmodel/chat/completions"
    assert (seen.headers["api-key"], seen.headers["x-team"]) == (f"Key {KEY}", "blue")
    assert "authorization" not in seen.headers
    assert (seen.body["max_tokens"], seen.body["messages"][0]["role"]) == (9, "system")
    assert "max_completion_tokens" not in seen.body
