"""Providers at clouds, played by the simulator, registered at a gateway the way that an administrator does it."""

from typing import Any

import httpx2

from tests.support.gateway import PRICES_USD_PER_MILLION, RunningGateway
from turnpike.simulator.dialects import amazon, azure

LOOPBACK = ["127.0.0.1/32"]
PROFILE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
AWS_KEYS = {"access_key_id": amazon.ACCESS_KEY_ID, "secret_access_key": amazon.SECRET_ACCESS_KEY}
TEMPORARY_KEYS = {
    "access_key_id": amazon.TEMPORARY_KEY_ID,
    "secret_access_key": amazon.SECRET_ACCESS_KEY,
    "session_token": amazon.SESSION_TOKEN,
}
ENTRA = {"tenant_id": azure.TENANT, "client_id": azure.CLIENT_ID, "client_secret": azure.CLIENT_SECRET}


def add_provider(gateway: RunningGateway, vendor: str, slug: str, **body: Any) -> dict[str, Any]:
    given = {"vendor": vendor, "name": slug, "slug": slug, "api_base_url": gateway.simulator.url}
    return gateway.api("POST", "/ai/providers", {**given, "allow_addresses": LOOPBACK, **body})


def add_model(gateway: RunningGateway, slug: str, name: str, model_id: str, *capabilities: str) -> None:
    body = {"provider": slug, "name": name, "model_id": model_id, "capabilities": list(capabilities or ("chat",))}
    gateway.api("POST", "/ai/models", {**body, "price_override": PRICES_USD_PER_MILLION})


def service_account(gateway: RunningGateway, *, life_s: float | None = None) -> str:
    """The JSON of a service account whose token endpoint is the simulator's."""
    query = {} if life_s is None else {"life": str(life_s)}
    response = httpx2.get(f"{gateway.simulator.url}/google/service-account", params=query)
    response.raise_for_status()
    return response.text


def register_clouds(gateway: RunningGateway) -> None:
    """One provider for each way to sign in, with the models that tests call."""
    region = {"region": "eu-central-1"}
    place = {"project": "simulator-project", "location": "europe-west4"}
    resource = {"resource": "simulated", "authority": gateway.simulator.url}
    add_provider(gateway, "bedrock", "bedrock", parameters={**region, **AWS_KEYS})
    add_provider(gateway, "bedrock", "bedrock-temporary", parameters={**region, **TEMPORARY_KEYS})
    add_provider(gateway, "bedrock", "bedrock-key", parameters=region, shared_api_key="bedrock-api-key-1234")
    add_provider(gateway, "vertex", "vertex", parameters=place, shared_api_key=service_account(gateway))
    add_provider(gateway, "azure_openai", "azure", parameters=resource, shared_api_key="azure-key-123456789")
    add_provider(gateway, "azure_openai_classic", "azure-entra", parameters={**resource, **ENTRA})
    for slug, name, model_id in (
        ("bedrock", "nova", "amazon.nova-lite-v1:0"),
        ("bedrock", "claude-at-bedrock", PROFILE),
        ("bedrock", "profile-by-arn", "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3"),
        ("bedrock-temporary", "nova-temporary", "amazon.nova-lite-v1:0"),
        ("bedrock-key", "nova-by-key", "amazon.nova-lite-v1:0"),
        ("vertex", "claude-at-vertex", "claude-sonnet-4-5@20250929"),
        ("vertex", "gemini-at-vertex", "gemini-2.5-flash"),
        ("vertex", "llama-at-vertex", "meta/llama-4-maverick"),
        ("azure", "gpt-at-azure", "my-gpt"),
        ("azure-entra", "gpt-at-azure-classic", "my-gpt"),
    ):
        add_model(gateway, slug, name, model_id)
    for slug, name, model_id in (
        ("azure", "embed-at-azure", "my-embedding"),
        ("bedrock", "titan-embeddings", "amazon.titan-embed-text-v2:0"),
        ("bedrock", "cohere-at-bedrock", "eu.cohere.embed-v4:0"),
        ("vertex", "embed-at-vertex", "text-embedding-005"),
    ):
        add_model(gateway, slug, name, model_id, "embeddings")
    add_model(gateway, "vertex", "imagen-at-vertex", "imagen-4.0-generate-001", "image")
    for slug in ("azure", "azure-entra"):
        add_model(gateway, slug, f"speech-at-{slug}", "my-tts", "audio")
        add_model(gateway, slug, f"hearing-at-{slug}", "my-whisper", "speech_to_text")
        add_model(gateway, slug, f"images-at-{slug}", "my-images", "image")
    for name in ("nova", "claude-at-vertex", "gpt-at-azure-classic", "images-at-azure-entra"):
        gateway.wait_for_model(name)
