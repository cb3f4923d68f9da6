"""What relays are given of a cloud's credential: a token or a reason, never what the token is got with."""

import json

import msgspec

from tests.support.control import Api, eventually
from turnpike.contract.messages import PushSnapshot, ToRelay, Unpacker
from turnpike.contract.snapshot import ProviderSpec
from turnpike.control.services import ControlServices

PROVIDERS = "/api/v1/ai/providers"
KEY = "-----BEGIN PRIVATE KEY-----\nlong-lived-and-secret\n-----END PRIVATE KEY-----\n"
ACCOUNT = {
    "type": "service_account",
    "client_email": "a@b.example",
    "private_key": KEY,
    "token_uri": "http://127.0.0.1:1/t",
}


def pushed(services: ControlServices) -> dict[str, ProviderSpec]:
    (message,) = Unpacker(msgspec.msgpack.Decoder(ToRelay)).feed(services.keeper.packed)
    assert isinstance(message, PushSnapshot)
    return {provider.slug: provider for provider in message.snapshot.providers}


async def test_a_service_accounts_key_stays_here(services: ControlServices, operator: Api) -> None:
    body = {
        "vendor": "vertex",
        "slug": "vertex",
        "parameters": {"project": "my-project"},
        "shared_api_key": json.dumps(ACCOUNT),
    }
    shown = await operator.call("POST", PROVIDERS, body)
    assert shown.is_success, shown.text
    assert "long-lived" not in shown.text
    await services.keeper.refresh()
    await eventually(lambda: "private_key" in pushed(services)["vertex"].credentials[0].fault)
    (credential,) = pushed(services)["vertex"].credentials
    assert credential.secret == ""
    assert b"long-lived" not in services.keeper.packed
    assert "vertex" in services.health.report()["tokens"]


async def test_aws_keys_and_plain_keys_go_with_how_they_are_sent(services: ControlServices, operator: Api) -> None:
    keys = {"access_key_id": "AKIA123", "secret_access_key": "secret"}
    for slug, parameters in (
        ("signed", {"region": "eu-west-1", **keys}),
        ("keyed", {"region": "eu-west-1", "api_key": "k-1"}),
    ):
        await operator.data(
            "POST", PROVIDERS, {"vendor": "bedrock", "slug": slug, "name": slug, "parameters": parameters}
        )
    await operator.data(
        "POST",
        PROVIDERS,
        {"vendor": "azure_openai", "slug": "azure", "parameters": {"resource": "r"}, "shared_api_key": "az"},
    )
    await services.keeper.refresh()
    found = {slug: provider.credentials[0] for slug, provider in pushed(services).items()}
    signed, keyed, azure = found["signed"].auth, found["keyed"].auth, found["azure"].auth
    assert signed is not None
    assert (signed.kind, signed.service, signed.region) == ("sigv4", "bedrock", "eu-west-1")
    assert keyed is not None
    assert (keyed.kind, keyed.header, keyed.prefix, found["keyed"].secret) == (
        "header",
        "authorization",
        "Bearer ",
        "k-1",
    )
    assert azure is not None
    assert (azure.kind, azure.header, azure.prefix, found["azure"].secret) == ("header", "api-key", "", "az")
