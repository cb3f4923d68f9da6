"""Tokens that live for seconds: got from a real endpoint, renewed before they end, shown when they cannot be got."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from tests.support.clouds import ENTRA, add_model, add_provider, service_account
from tests.support.gateway import RunningGateway, wait_for
from tests.support.sdks import Calls
from turnpike.simulator.dialects import azure

QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "Hello"}]
PLACE = {"project": "simulator-project"}
CLAUDE = "claude-sonnet-4-5"


def at_vertex(gateway: RunningGateway, name: str, credentials: str) -> None:
    add_provider(gateway, "vertex", name, parameters=PLACE, shared_api_key=credentials)
    add_model(gateway, name, name, CLAUDE)


async def answered(calls: Calls, model: str, timeout_s: float = 10.0) -> str:
    """The first answer: a model may be there a moment before its provider's first token."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            whole = await calls.chat(model=model, messages=QUESTION, max_completion_tokens=50)
            return whole.choices[0].message.content
        except (openai.InternalServerError, openai.NotFoundError, openai.PermissionDeniedError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


async def test_a_service_accounts_token_is_renewed_before_it_ends_and_no_call_fails(
    gateway: RunningGateway, calls: Calls
) -> None:
    at_vertex(gateway, "short-lived", service_account(gateway, life_s=2))
    await answered(calls, "short-lived")
    until = time.monotonic() + 5
    while time.monotonic() < until:
        whole = await calls.chat(model="short-lived", messages=QUESTION, max_completion_tokens=50)
        assert whole.choices[0].finish_reason == "stop"
        await asyncio.sleep(0.05)
    asked = [call for call in gateway.simulator.calls() if call["path"] == "/google/token"]
    assert len(asked) >= 3


async def test_a_federated_identity_is_exchanged_and_lends_a_service_account(
    gateway: RunningGateway, calls: Calls, tmp_path: Path
) -> None:
    subject = tmp_path / "subject.json"
    subject.write_text(json.dumps({"id_token": "simulator-subject"}))
    at_vertex(gateway, "federated", json.dumps({
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{gateway.simulator.url}/google/sts",
        "service_account_impersonation_url": f"{gateway.simulator.url}/google/impersonate",
        "credential_source": {
            "file": str(subject), "format": {"type": "json", "subject_token_field_name": "id_token"},
        },
    }))  # fmt: skip
    assert "You said: Hello" in await answered(calls, "federated")


async def test_a_token_that_cannot_be_got_is_said_to_the_caller_and_in_health(
    gateway: RunningGateway, calls: Calls
) -> None:
    credentials = json.loads(service_account(gateway)) | {"client_email": "nobody@elsewhere"}
    at_vertex(gateway, "unknown-account", json.dumps(credentials))
    gateway.api("GET", "/ai/providers/unknown-account")

    def told() -> str | None:
        health = httpx2.get(f"{gateway.url}/health").json()
        return next((text for text in [json.dumps(health)] if "unknown-account" in text), None)

    assert "account not found" in wait_for("health tells of it", told)
    with pytest.raises(openai.InternalServerError, match="account not found") as raised:
        await calls.chat(model="unknown-account", messages=QUESTION)
    assert raised.value.status_code == 503
    assert "PRIVATE KEY" not in wait_for("health tells of it", told)


async def test_a_mended_credential_is_used_at_once(gateway: RunningGateway, calls: Calls) -> None:
    resource = {"resource": "simulated", "authority": gateway.simulator.url}
    wrong = {**resource, **ENTRA, "client_secret": "wrong"}
    add_provider(gateway, "azure_openai", "mended", parameters=wrong)
    add_model(gateway, "mended", "mended", "gpt")
    await asyncio.sleep(0.5)
    with pytest.raises(openai.APIStatusError):
        await calls.chat(model="mended", messages=QUESTION)
    gateway.api("PATCH", "/ai/providers/mended", {"parameters": {"client_secret": azure.CLIENT_SECRET}})
    assert "You said: Hello" in await answered(calls, "mended")


async def test_a_persons_own_service_account_is_used_for_their_calls_and_renewed(
    gateway: RunningGateway, calls: Calls
) -> None:
    add_provider(gateway, "vertex", "own", parameters=PLACE)
    add_model(gateway, "own", "own", CLAUDE)
    account = service_account(gateway, life_s=4)
    gateway.api("PUT", "/ai/providers/own/settings", {"personal_api_key": account})
    await answered(calls, "own")
    until = time.monotonic() + 6
    while time.monotonic() < until:
        whole = await calls.chat(model="own", messages=QUESTION, max_completion_tokens=50)
        assert whole.choices[0].finish_reason == "stop"
        await asyncio.sleep(0.1)
    gateway.api("DELETE", "/ai/providers/own/settings")


@pytest.mark.parametrize(
    ("vendor", "body", "complaint"),
    [
        ("vertex", {"parameters": PLACE, "shared_api_key": '{"type": "service_account"}'}, "client_email"),
        ("vertex", {"parameters": PLACE, "shared_api_key": "AIza-a-key"}, "credentials"),
        ("bedrock", {"parameters": {"region": "eu-west-1", "access_key_id": "AKIA1"}}, "secret_access_key"),
        ("azure_openai", {"parameters": {"resource": "r", "tenant_id": "t"}}, "client_id"),
        (
            "vertex",
            {"parameters": PLACE, "shared_api_key": json.dumps({
                "type": "external_account", "audience": "a", "subject_token_type": "t",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": {"executable": {"command": "/bin/sh"}},
            })},
            "commands",
        ),
    ],
)  # fmt: skip
async def test_what_is_no_credential_is_refused_when_it_is_entered(
    gateway: RunningGateway, vendor: str, body: dict[str, Any], complaint: str
) -> None:
    given = {"vendor": vendor, "name": "wrong", "slug": "wrong", **body}
    response = httpx2.post(
        f"{gateway.url}/api/v1/ai/providers", json=given, headers={"authorization": f"Bearer {gateway.admin_key}"}
    )
    assert response.status_code == 400, response.text
    assert complaint in response.json()["message"]


# ---- models


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("bedrock", ["amazon.nova-lite-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"]),
        ("bedrock-key", ["amazon.nova-lite-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"]),
        ("vertex", ["claude-sonnet-4-5", "gemini-2.5-flash"]),
        ("azure", ["simulator-gpt"]),
        ("azure-entra", ["simulator-gpt"]),
    ],
)
def test_a_clouds_models_are_listed_and_kept(gateway: RunningGateway, slug: str, expected: list[str]) -> None:
    assert gateway.api("POST", f"/ai/providers/{slug}/test", {})["ok"] is True
    synced = gateway.api("POST", f"/ai/providers/{slug}/sync-models", {"activate": False})
    known = {row["model_id"] for row in gateway.api("GET", "/ai/models", provider=slug, per_page=100)}
    assert set(expected) <= known
    assert synced["total"] >= len(expected)
