"""Nothing is passed that is not governed: scopes, models, administration, credentials, prefixes, odd spellings."""

import json
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.integration.passage.conftest import Person, person
from tests.support.gateway import UPSTREAM_KEY, RunningGateway, wait_for

ADMINISTRATION = (
    "/v1/organization/users",
    "/v1/organization/admin_api_keys",
    "/v1/organization/costs?start_time=0",
    "/v1/organization/projects/p/api_keys",
    "/v1/organizations/usage_report/messages",
    "/v1/organizations",
    "/v1/realtime/client_secrets",
    "/v1/realtime/sessions",
    "/v1/realtime/transcription_sessions",
    "/v1/chatkit/sessions",
    "/v1/fine_tuning/checkpoints/ckpt/permissions",
    "/v1/projects",
    "/v1/api_keys",
    "/v1/dashboard/billing/usage",
    "/v1/Organization/users",
    "/v1/%6frganization/users",
    "/v1/ORGANIZATION/Users",
    "/v1/organization%73/users",
    "/openai/v1/organization/users",
    "/openai/organization/users",
    "/openai/V1/organization/users",
    "/anthropic/v1/organizations/me",
    "/anthropic/v1/Organizations/api_keys",
    "/gemini/v1beta/tunedModels/x/permissions",
    "/gemini/v1beta/auth_tokens",
    "/sim-openai/v1/organization/users",
    "/sim-openai/organization/users",
    "/sim-anthropic/v1/organizations/users",
)
"""Paths that are refused with 403."""
CROOKED = (
    "/v1//organization/users",
    "/v1/./organization/users",
    "/v1/files/../organization/users",
    "/v1/files/%2e%2e/organization/users",
    "/v1/files%2f..%2forganization",
    "/v1/%256frganization/users",
    "/v1/organization;x=1/users",
    "/v1/organization%20/users",
    "/v1/organization%09/users",
    "/v1/chat/%63ompletions",
    "/v1/Chat/Completions",
    "/v1/chat/completions/",
    "/openai/v1/chat/%63ompletions",
    "/openai/v1beta/chat/completions",
    "/sim-openai/v1/%63hat/completions",
)
"""Spellings that a provider might read otherwise: refused with 400."""


def _raw(person: Person, path: str, method: str = "POST") -> tuple[int, str]:
    """Exactly this path, whatever a client would make of it."""
    address = urlsplit(person.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=20)
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "x"}]} if method == "POST" else None
    headers = {"authorization": f"Bearer {person.key}", "content-type": "application/json"}
    try:
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("path", ADMINISTRATION)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_administration_of_a_vendors_account_is_refused(
    gateway: RunningGateway, ada: Person, path: str, method: str
) -> None:
    before = len(gateway.simulator.calls())
    status, text = _raw(ada, path, method)

    assert status == 403, (path, text)
    assert len(gateway.simulator.calls()) == before


@pytest.mark.parametrize("path", CROOKED)
def test_an_odd_spelling_leads_nowhere(gateway: RunningGateway, ada: Person, path: str) -> None:
    before = len(gateway.simulator.calls())
    status, text = _raw(ada, path)

    assert status == 400, (path, text)
    assert len(gateway.simulator.calls()) == before


def test_the_lane_is_closed_without_its_scope(gateway: RunningGateway) -> None:
    ordinary = Person(gateway.url, gateway.create_key("ordinary"), "")
    for path in ("/v1/files", "/v1/batches", "/v1/anything", "/anthropic/v1/files", "/sim-openai/v1/files"):
        refused = ordinary.ask("GET", path)
        assert refused.status_code == 403, path
        assert "passthrough" in refused.json()["error"]["message"]


def test_it_is_closed_to_strangers(gateway: RunningGateway) -> None:
    assert Person(gateway.url, "tp-wrong", "").ask("GET", "/v1/files").status_code == 401
    assert httpx2.get(f"{gateway.url}/v1/files", trust_env=False).status_code == 401


def test_a_model_that_the_key_may_not_use_is_refused(gateway: RunningGateway) -> None:
    carol = person(gateway, "Carol", models=["chat-by-both"])
    for body in ({"model": "chat-by-openai", "prompt": "x"}, {"Model": "chat-by-openai", "model": "chat-by-both"}):
        refused = carol.ask("POST", "/v1/completions", json=body)
        assert refused.status_code == 403, refused.text
    nested = {"name": "e", "testing_criteria": [{"type": "score_model", "model": "chat-by-openai"}]}
    assert carol.ask("POST", "/v1/evals", json=nested).status_code == 403
    assert carol.ask("POST", "/v1/completions", json={"model": "nowhere", "prompt": "x"}).status_code == 404


def test_a_models_name_is_the_providers_own_there(gateway: RunningGateway, ada: Person) -> None:
    headers = {"x-request-id": "passage-alias"}
    made = ada.made("POST", "/v1/completions", json={"model": "chat-by-openai", "prompt": "a b c"}, headers=headers)
    row = gateway.ledger_row("passage-alias")

    assert made["model"] == "simulator"
    assert (row["operation"], row["path"], row["provider"]) == ("passthrough", "POST /v1/completions", "sim-openai")
    assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (3, 9, "reported")
    assert row["cost_nanousd"] == 3 * 1000 + 9 * 2000
    assert (row["model_asked"], row["model_served"], row["priced"]) == ("chat-by-openai", "chat-by-openai", True)


def test_usage_of_a_stream_is_counted(gateway: RunningGateway, ada: Person) -> None:
    body = {"model": "chat-by-openai", "prompt": "a b c", "stream": True}
    answer = ada.ask("POST", "/v1/completions", json=body, headers={"x-request-id": "passage-stream"})

    assert answer.text.endswith("data: [DONE]\n\n")
    row = gateway.ledger_row("passage-stream")
    assert (row["stream"], row["output_tokens"], row["cost_nanousd"]) == (True, 9, 21_000)


def test_a_call_without_usage_is_recorded_as_unpriced(gateway: RunningGateway, ada: Person) -> None:
    name = ada.upload(b"x").json()["id"]
    ada.ask("GET", f"/v1/files/{name}", headers={"x-request-id": "passage-unpriced"})
    row = gateway.ledger_row("passage-unpriced")

    assert (row["path"], row["priced"], row["cost_nanousd"], row["status"]) == ("GET /v1/files/{id}", False, None, 200)
    assert row["user_id"] == ada.user_id
    assert name not in str({key: value for key, value in row.items() if key != "request_id"})


def test_a_refused_call_has_its_row(gateway: RunningGateway, bob: Person) -> None:
    bob.ask("GET", "/v1/files/file-never", headers={"x-request-id": "passage-refused"})
    row = gateway.ledger_row("passage-refused")

    assert (row["outcome"], row["status"], row["cost_nanousd"]) == ("refused", 404, 0)


def test_credentials_and_accounts_are_the_gateways(gateway: RunningGateway, ada: Person) -> None:
    headers = {
        "x-request-id": "passage-headers",
        "openai-organization": "org-other",
        "openai-project": "proj-other",
        "x-http-method-override": "DELETE",
        "cookie": "a=b",
    }
    ada.ask("GET", "/v1/vector_stores?api_key=sk-other&order=asc", headers=headers)
    call = gateway.simulator.calls_of("passage-headers")[-1]

    assert call["key_hint"] == UPSTREAM_KEY[-4:]
    assert not set(call["headers"]) & {"openai-organization", "openai-project", "x-http-method-override", "cookie"}
    assert ada.key not in str(call)


@pytest.mark.parametrize("prefix", ["/openai", "/openai/v1", "/sim-openai/v1", "/sim-openai"])
def test_an_ordinary_call_behind_a_prefix_is_that_call(gateway: RunningGateway, ada: Person, prefix: str) -> None:
    name = f"passage-prefix{prefix.replace('/', '-')}"
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "hello"}]}
    answer = ada.made("POST", f"{prefix}/chat/completions", json=body, headers={"x-request-id": name})
    row = gateway.ledger_row(name)

    assert answer["choices"][0]["message"]["content"].endswith("You said: hello")
    assert (row["operation"], row["dialect_in"], row["path"]) == ("chat", "openai_chat", None)
    assert row["cost_nanousd"] == 25_000


def test_a_prefix_of_a_provider_keeps_an_ordinary_call_there(gateway: RunningGateway, ada: Person) -> None:
    body: dict[str, Any] = {"model": "chat-by-both", "messages": [{"role": "user", "content": "x"}], "max_tokens": 50}
    for slug in ("sim-openai", "sim-anthropic"):
        for _ in range(3):
            answer = ada.ask("POST", f"/{slug}/v1/chat/completions", json=body)
            assert answer.headers["x-turnpike-provider"] == slug, answer.text
    refused = ada.ask("POST", "/sim-anthropic/v1/chat/completions", json={**body, "model": "chat-by-openai"})
    assert refused.status_code == 404, refused.text


def test_an_ordinary_call_behind_a_prefix_needs_no_scope_of_the_lane(gateway: RunningGateway) -> None:
    ordinary = Person(gateway.url, gateway.create_key("ordinary too"), "")
    body = {"model": "chat-by-anthropic", "messages": [{"role": "user", "content": "x"}], "max_tokens": 50}

    assert ordinary.ask("POST", "/anthropic/v1/messages", json=body).json()["type"] == "message"
    assert ordinary.ask("GET", "/openai/v1/models").json()["object"] == "list"


def test_an_unknown_prefix_is_the_platforms(ada: Person) -> None:
    assert ada.ask("GET", "/no-such-provider/v1/files").status_code == 404
    assert ada.ask("GET", "/api/v1/keys").status_code != 400


def test_other_bodies_than_json_and_forms_are_refused(ada: Person) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert ada.ask("POST", "/v1/vector_stores", content=b"name=x", headers=form).status_code == 415
    assert ada.ask("POST", "/v1/vector_stores", content=b"[1]").status_code == 400
    broken = ada.ask("POST", "/v1/vector_stores", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400


def test_which_provider_is_meant_must_be_clear(gateway: RunningGateway) -> None:
    extra = {"vendor": "openai", "name": "second", "slug": "second", "shared_api_key": "sk-second-1234567890"}
    body = {**extra, "api_base_url": gateway.simulator.openai_url, "allow_addresses": ["127.0.0.1/32"]}
    provider = gateway.api("POST", "/ai/providers", body)
    gateway.api(
        "POST", "/ai/models", {"provider": "second", "name": "only-second", "model_id": "s", "capabilities": ["chat"]}
    )
    gateway.wait_for_model("only-second")
    try:
        dora = person(gateway, "Dora")
        unclear = dora.upload(b"x")
        assert unclear.status_code == 400
        assert "second" in unclear.text
        assert "sim-openai" in unclear.text
        named = dora.upload(b"x", path="/second/v1/files")
        assert named.headers["x-turnpike-provider"] == "second"
        name = named.json()["id"]
        assert dora.ask("GET", f"/v1/files/{name}").headers["x-turnpike-provider"] == "second", "it holds the file"
        assert dora.ask("GET", f"/sim-openai/v1/files/{name}").status_code == 404
        by_model = dora.ask("POST", "/v1/completions", json={"model": "only-second", "prompt": "x"})
        assert by_model.headers["x-turnpike-provider"] == "second"
        eve = person(gateway, "Eve", default_provider="sim-openai")
        assert eve.upload(b"x").headers["x-turnpike-provider"] == "sim-openai"
    finally:
        gateway.api("DELETE", f"/ai/providers/{provider['id']}")
        wait_for("the relay forgets it", lambda: "only-second" not in gateway.served_models() or None)
