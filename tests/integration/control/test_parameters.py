"""Vendors' parameters: kept with a provider, filled into its address, and as parts of its credential."""

from typing import Any

import pytest
from sqlalchemy import select

from tests.support.control import SECRET, Api
from turnpike.control.db.models import Credential
from turnpike.control.domains.catalog.snapshot import SnapshotCompiler
from turnpike.control.services import ControlServices
from turnpike.wire.operations import Operation
from turnpike.wire.vendor import OperationSpec, Parameter, Vendor
from turnpike.wire.vendors import VENDORS

PROVIDERS = "/api/v1/ai/providers"
ACCOUNT = "0" * 32
OTHER_ACCOUNT = "f" * 32
ADDRESS = "https://api.cloudflare.com/client/v4/accounts/{}/ai"
PARTED = Vendor(
    name="parted",
    display_name="Parted",
    website="",
    reference="",
    base_url="https://{region}.parted.example/v1",
    parameters=(
        Parameter(name="region", label="region", example="eu-1", default="us-1"),
        Parameter(name="access_id", label="access id", secret=True),
        Parameter(name="access_secret", label="access secret", pattern=r"\S{8,}", secret=True),
        Parameter(name="session", label="session token", default="", pattern=r".+", secret=True),
    ),
    headers={"x-region": "{region}", "x-other": "{other}"},
    operations={Operation.CHAT: (OperationSpec("openai_chat", "/in/{region}/{model}"),)},
)
PARTS = {"access_id": "AKIDACCESS0123456789", "access_secret": "a secret"}


@pytest.fixture(autouse=True)
def parted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VENDORS, "parted", PARTED)


async def cloudflare(operator: Api, **body: Any) -> dict[str, Any]:
    given = {"vendor": "cloudflare", "parameters": {"account_id": ACCOUNT}, "shared_api_key": SECRET, **body}
    return await operator.data("POST", PROVIDERS, given)


async def credential(services: ControlServices) -> str:
    async with services.database.read() as session:
        rows = (await session.scalars(select(Credential))).all()
    assert len(rows) == 1
    return services.sealer.open(rows[0].sealed)


async def test_a_value_fills_the_vendors_address_and_is_shown(operator: Api) -> None:
    made = await cloudflare(operator)
    assert made["api_base_url"] == ADDRESS.format(ACCOUNT)
    assert made["parameters"] == {"account_id": ACCOUNT}
    assert await operator.data("GET", f"{PROVIDERS}/{made['slug']}") == made


async def test_the_vendors_address_follows_a_changed_value(operator: Api) -> None:
    made = await cloudflare(operator)
    changed = await operator.data("PATCH", f"{PROVIDERS}/{made['id']}", {"parameters": {"account_id": OTHER_ACCOUNT}})
    assert (changed["api_base_url"], changed["parameters"]) == (
        ADDRESS.format(OTHER_ACCOUNT),
        {"account_id": OTHER_ACCOUNT},
    )


async def test_an_address_of_ones_own_stays_when_a_value_changes(operator: Api) -> None:
    made = await cloudflare(operator, api_base_url="https://proxy.example/cf")
    changed = await operator.data("PATCH", f"{PROVIDERS}/{made['id']}", {"parameters": {"account_id": OTHER_ACCOUNT}})
    assert changed["api_base_url"] == "https://proxy.example/cf"


async def test_a_bare_host_gets_the_vendors_filled_path(operator: Api) -> None:
    made = await cloudflare(operator, api_base_url="https://proxy.example")
    assert made["api_base_url"] == f"https://proxy.example/client/v4/accounts/{ACCOUNT}/ai"


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"vendor": "cloudflare"}, "parameters.account_id", "Cloudflare Workers AI needs its account ID, for example"),
        ({"vendor": "cloudflare", "parameters": {"account_id": "../x"}}, "parameters.account_id", "cannot take this"),
        (
            {"vendor": "cloudflare", "parameters": {"account_id": ACCOUNT, "region": "x"}},
            "parameters.region",
            "has no parameter 'region'; it has account_id",
        ),
        ({"vendor": "openai", "parameters": {"x": "y"}}, "parameters.x", "it has none"),
        ({"vendor": "parted", "shared_api_key": "plain"}, "shared_api_key", "has several parts; give a JSON object"),
        ({"vendor": "parted", "parameters": {"access_id": "AKID"}}, "parameters.access_secret", "needs its access"),
        (
            {"vendor": "parted", "shared_api_key": {**PARTS, "access_secret": "hidden"}},
            "parameters.access_secret",
            "cannot take this",
        ),
        ({"vendor": "openai", "shared_api_key": "two words"}, "shared_api_key", "visible ASCII"),
    ],
)
async def test_what_is_wrong_is_refused_by_name(operator: Api, body: dict[str, Any], param: str, says: str) -> None:
    answer = await operator.post(PROVIDERS, body)
    error = answer.json()["error"]
    assert (answer.status_code, error["details"]["param"]) == (400, param)
    assert says in error["message"]
    assert "hidden" not in answer.text
    assert "two words" not in answer.text


async def test_secret_values_become_parts_of_the_credential_and_are_masked(
    operator: Api, services: ControlServices
) -> None:
    made = await operator.data(
        "POST", PROVIDERS, {"vendor": "parted", "parameters": {**PARTS, "access_secret": "longsecret"}}
    )
    assert made["parameters"]["region"] == "us-1"
    assert made["parameters"]["access_id"] == made["shared_api_key"] == "AKI…6789"
    assert "longsecret" not in str(made)
    assert await credential(services) == '{"access_id":"AKIDACCESS0123456789","access_secret":"longsecret"}'


async def test_one_part_of_a_credential_may_be_changed(operator: Api, services: ControlServices) -> None:
    whole = {"access_id": "AKIDACCESS0123456789", "access_secret": "longsecret", "session": "with blanks in"}
    made = await operator.data("POST", PROVIDERS, {"vendor": "parted", "shared_api_key": whole})
    await operator.data(
        "PATCH", f"{PROVIDERS}/{made['id']}", {"parameters": {"access_secret": "newsecret", "session": None}}
    )
    assert await credential(services) == '{"access_id":"AKIDACCESS0123456789","access_secret":"newsecret"}'


async def test_relays_get_every_place_filled(operator: Api, services: ControlServices) -> None:
    given = {"region": "eu-1", **PARTS, "access_secret": "longsecret"}
    await operator.data("POST", PROVIDERS, {"vendor": "parted", "parameters": given})
    async with services.database.read() as session:
        snapshot = await SnapshotCompiler(services.settings, services.sealer).compile(session, 1)
    provider = next(provider for provider in snapshot.providers if provider.vendor == "parted")
    assert provider.base_url == "https://eu-1.parted.example/v1"
    assert provider.operations["chat"][0].path == "/in/eu-1/{model}", "the model is the relay's to fill in"
    assert provider.headers == {"x-region": "eu-1", "x-other": "{other}"}
