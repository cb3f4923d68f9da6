"""The catalog's REST: providers and models."""

from typing import Any

import pytest
from sqlalchemy import event, func, select

from tests.support.control import SECRET, Api, api, make_model, make_provider
from turnpike.contract.snapshot import AliasSpec
from turnpike.control.db.models import Credential, Model, Provider, ProviderSetting
from turnpike.control.domains.catalog.snapshot import SnapshotCompiler
from turnpike.control.services import ControlServices

PROVIDERS = "/api/v1/ai/providers"
MODELS = "/api/v1/ai/models"
AT = {"name": "x", "api_base_url": "https://x.example"}
NOWHERE = "01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"


# ---- providers


async def test_a_provider_is_made_read_replaced_changed_and_deleted(operator: Api) -> None:
    made = await make_provider(operator, shared_api_key=SECRET, config={"headers": {"x-team": "1"}})
    assert (made["slug"], made["shared_api_key"], made["vendor"]) == ("acme", "sk-…abcd", "openai_compatible")
    assert await operator.data("GET", f"{PROVIDERS}/{made['id']}") == made
    assert await operator.data("GET", f"{PROVIDERS}/acme") == made
    changed = await operator.data("PATCH", f"{PROVIDERS}/acme", {"is_active": False, "website": "https://acme.example"})
    assert (changed["is_active"], changed["website"], changed["access"]) == (False, "https://acme.example", "DISABLED")
    replaced = await operator.data(
        "PUT", f"{PROVIDERS}/acme", {"name": "Apex", "api_base_url": "https://apex.example/v1"}
    )
    assert (replaced["slug"], replaced["name"], replaced["is_active"]) == ("acme", "Apex", True)
    assert (replaced["website"], replaced["config"]) == (None, {})
    assert replaced["shared_api_key"] == "sk-…abcd", "a write-only field that is left out stays"
    await operator.data("DELETE", f"{PROVIDERS}/acme")
    assert (await operator.get(f"{PROVIDERS}/acme")).status_code == 404


@pytest.mark.parametrize("path", ["", "/"])
async def test_paths_work_with_and_without_a_trailing_slash(operator: Api, path: str) -> None:
    made = await make_provider(operator)
    for address in (PROVIDERS, MODELS, f"{PROVIDERS}/{made['id']}", f"{PROVIDERS}/acme/credentials"):
        assert (await operator.get(address + path)).status_code == 200
    body = {"name": f"n{len(path)}", "api_base_url": "https://n.example/v1"}
    assert (await operator.post(PROVIDERS + path, body)).status_code == 201


async def test_deleting_a_provider_takes_its_models_credentials_and_settings(
    operator: Api, services: ControlServices, first_key: str
) -> None:
    await make_provider(operator, shared_api_key=SECRET)
    await make_model(operator, "acme", "m")
    async with api(services, first_key) as person:
        await person.data("PUT", f"{PROVIDERS}/acme/settings", {"personal_api_key": SECRET})
    await operator.data("DELETE", f"{PROVIDERS}/acme")
    async with services.database.read() as session:
        for table in (Provider, Model, Credential, ProviderSetting):
            assert (await session.execute(select(func.count()).select_from(table))).scalar_one() == 0


async def test_a_known_vendor_brings_its_name_and_address(operator: Api) -> None:
    made = await operator.data("POST", PROVIDERS, {"vendor": "anthropic", "shared_api_key": SECRET})
    assert (made["name"], made["slug"], made["api_base_url"]) == (
        "Anthropic",
        "anthropic",
        "https://api.anthropic.com",
    )


async def test_slugs_are_unique(operator: Api) -> None:
    await make_provider(operator)
    await make_provider(operator, "apex")
    body = {"name": "x", "slug": "acme", "api_base_url": "https://x.example"}
    assert (await operator.post(PROVIDERS, body)).status_code == 409
    assert (await operator.patch(f"{PROVIDERS}/apex", {"slug": "acme"})).status_code == 409


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"vendor": "nobody"}, 400, "vendor"),
        ({"name": "x"}, 400, "api_base_url"),
        ({"name": "x", "api_base_url": "ftp://x.example"}, 400, "api_base_url"),
        ({"name": "x", "api_base_url": "https://user:pw@x.example"}, 400, "api_base_url"),
        ({"name": "x", "api_base_url": "https://x.example/?a=1"}, 400, "api_base_url"),
        ({"name": "x", "api_base_url": "https://127.1/v1"}, 400, "api_base_url"),
        ({"name": "x", "api_base_url": "http://x.example/v1"}, 403, "api_base_url"),
        ({"name": "x", "api_base_url": "https://10.0.0.5/v1"}, 403, "api_base_url"),
        ({"name": "x", "api_base_url": "https://[::1]:9000/v1"}, 403, "api_base_url"),
        ({"name": "x", "api_base_url": "http://localhost:9000/v1"}, 403, "api_base_url"),
        ({**AT, "api_base_url": "http://127.0.0.1:8080", "allow_addresses": ["127.0.0.1"]}, 403, "api_base_url"),
        ({**AT, "api_base_url": "https://169.254.169.254/", "allow_addresses": ["0.0.0.0/0"]}, 403, "api_base_url"),
        ({"name": "x", "api_base_url": "https://x.example", "allow_addresses": ["home"]}, 400, "allow_addresses.0"),
        ({"name": "x", "api_base_url": "https://x.example", "proxy": "http://u:p@proxy:3128"}, 400, "proxy"),
        ({**AT, "config": {"headers": {"Authorization": "x"}}}, 400, "config.headers"),
        ({"name": "x", "api_base_url": "https://x.example", "config": {"nothing": 1}}, 400, "config.nothing"),
        ({"name": "x", "api_base_url": "https://x.example", "shared_api_key": "a b"}, 400, "shared_api_key"),
        ({"name": "x", "api_base_url": "https://x.example", "id": NOWHERE}, 400, "id"),
        ({"name": "x", "api_base_url": "https://x.example", "sealed": "x"}, 400, "sealed"),
        ({"name": "!!!", "api_base_url": "https://x.example"}, 400, "slug"),
    ],
)  # fmt: skip
async def test_bad_providers_are_refused_by_field(embedded: Api, body: dict[str, Any], status: int, param: str) -> None:
    answer = await embedded.post(PROVIDERS, body)
    assert (answer.status_code, answer.json()["error"]["details"]["param"]) == (status, param), answer.text


async def test_an_address_on_this_machine_works_where_it_is_allowed(operator: Api) -> None:
    made = await make_provider(
        operator, "ollama", vendor="ollama", api_base_url="http://127.0.0.1:11434", allow_addresses=["127.0.0.1"]
    )
    assert (made["api_base_url"], made["allow_addresses"]) == ("http://127.0.0.1:11434/v1", ["127.0.0.1/32"])


async def test_taking_an_allowed_address_away_is_checked(operator: Api) -> None:
    await make_provider(operator, api_base_url="http://127.0.0.1:9/v1", allow_addresses=["127.0.0.0/8"])
    assert (await operator.patch(f"{PROVIDERS}/acme", {"allow_addresses": []})).status_code == 403


async def test_an_unknown_vendor_is_added_without_code(operator: Api, services: ControlServices) -> None:
    config = {
        "operations": {
            "chat": [{"dialect": "openai_chat", "path": "/llm/chat"}],
            "embeddings": [],
            "image_generation": [],
            "moderation": [],
            "rerank": [],
        },
        "auth": {"header": "X-Token", "prefix": ""},
        "headers": {"x-version": "3"},
        "needs_credential": True,
    }
    await make_provider(operator, config=config, shared_api_key=SECRET, api_base_url="https://acme.example.com/api")
    await make_model(operator, "acme", "m", capabilities=["chat", "embeddings"])
    await services.keeper.refresh()
    snapshot = services.keeper.snapshot
    assert snapshot is not None
    (provider,) = snapshot.providers
    assert provider.base_url == "https://acme.example.com/api"
    assert {name: [spec.path for spec in specs] for name, specs in provider.operations.items()} == {
        "chat": ["/llm/chat"]
    }
    assert (provider.auth.header, provider.auth.prefix) == ("x-token", "")
    assert provider.headers == {"x-version": "3"}
    assert [credential.secret for credential in provider.credentials] == [SECRET]
    assert snapshot.models[0].operations == ("chat",)


async def test_providers_are_filtered_and_sorted(operator: Api) -> None:
    for order, slug in ((3, "acme"), (1, "b_c"), (2, "bxc")):
        await make_provider(operator, slug, sort_order=order, is_active=slug != "acme")

    async def slugs(**params: Any) -> list[str]:
        return [row["slug"] for row in await operator.data("GET", PROVIDERS, params=params)]

    assert await slugs() == ["b_c", "bxc", "acme"]
    assert await slugs(sort="-slug") == ["bxc", "b_c", "acme"]
    assert await slugs(search="b_c") == ["b_c"]
    assert await slugs(is_active=False) == ["acme"]
    assert await slugs(vendor="openai") == []
    answer = await operator.get(PROVIDERS, params={"sort": "sealed"})
    assert (answer.status_code, answer.json()["error"]["details"]) == (400, {"param": "sort"})


# ---- models


async def test_a_model_is_made_read_replaced_changed_and_deleted(operator: Api) -> None:
    provider = await make_provider(operator, "openai", vendor="openai", api_base_url=None)
    made = await make_model(operator, "openai", "best", model_id="gpt-4o", max_output_tokens=100)
    assert (made["provider"], made["provider_id"], made["access"]) == ("openai", provider["id"], "AVAILABLE_SHARED")
    assert (made["priced"], made["price"]["input"], made["capabilities"]) == (True, "2.5", ["chat"])
    assert await operator.data("GET", f"{MODELS}/{made['id']}") == made
    changed = await operator.data("PATCH", f"{MODELS}/{made['id']}", {"weight": 5, "max_output_tokens": None})
    assert (changed["weight"], changed["max_output_tokens"], changed["name"]) == (5, None, "best")
    replaced = await operator.data("PUT", f"{MODELS}/{made['id']}", {"provider_id": "openai", "name": "x"})
    assert (replaced["model_id"], replaced["weight"], replaced["priced"], replaced["price"]) == ("x", 1, False, None)
    await operator.data("DELETE", f"{MODELS}/{made['id']}")
    assert (await operator.get(f"{MODELS}/{made['id']}")).status_code == 404


async def test_a_models_id_is_unique_at_its_provider_and_its_name_may_be_shared(operator: Api) -> None:
    await make_provider(operator, "acme")
    await make_provider(operator, "apex")
    await make_model(operator, "acme", "m")
    await make_model(operator, "apex", "m")
    await make_model(operator, "acme", "m", model_id="m-2")
    answer = await operator.post(MODELS, {"provider": "acme", "name": "other", "model_id": "m"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "CONFLICT")
    assert len(await operator.data("GET", MODELS, params={"name": "m"})) == 3


async def test_an_override_is_the_price_until_it_is_taken_back(operator: Api) -> None:
    await make_provider(operator, "openai", vendor="openai", api_base_url=None)
    tier = {"above": 1000, "input": "2"}
    override = {"input": "1", "output": 2.5, "request": "0.001", "tiers": [tier]}
    made = await make_model(operator, "openai", "gpt-4o", price_override=override)
    assert made["price_source"] == "override"
    assert [made["price"][name] for name in ("input", "output", "request")] == ["1", "2.5", "0.001"]
    assert [(row["above"], row["input"]) for row in made["price"]["tiers"]] == [(1000, "2")]
    back = await operator.data("PATCH", f"{MODELS}/{made['id']}", {"price_override": None})
    assert back["price_source"].startswith("genai-prices ")
    assert back["price"]["input"] == "2.5"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"provider": "nowhere", "name": "m"}, "provider"),
        ({"provider": "acme"}, "name"),
        ({"provider": "acme", "name": "m", "capabilities": ["telepathy"]}, "capabilities.0"),
        ({"provider": "acme", "name": "m", "weight": -1}, "weight"),
        ({"provider": "acme", "name": "m", "context_window": 0}, "context_window"),
        ({"provider": "acme", "name": "m", "rates": {"input": 0}}, "rates"),
        ({"provider": "acme", "name": "m", "price_source": "mine"}, "price_source"),
        ({"provider": "acme", "name": "m", "price_override": {"input": -1}}, "price_override.input"),
        ({"provider": "acme", "name": "m", "price_override": {"input": "NaN"}}, "price_override.input"),
    ],
)
async def test_bad_models_are_refused_by_field(embedded: Api, body: dict[str, Any], param: str) -> None:
    await make_provider(embedded)
    answer = await embedded.post(MODELS, body)
    assert (answer.status_code, answer.json()["error"]["details"]["param"]) == (400, param), answer.text


async def test_models_are_filtered(operator: Api) -> None:
    await make_provider(operator, "acme")
    await make_provider(operator, "off", is_active=False)
    await make_model(operator, "acme", "100%", capabilities=["chat", "code"])
    await make_model(operator, "acme", "1000", capabilities=["embeddings"], is_active=False)
    await make_model(operator, "off", "other", capabilities=["chat"], price_override={"input": 1})

    async def names(**params: Any) -> list[str]:
        return sorted(row["name"] for row in await operator.data("GET", MODELS, params=params))

    assert await names(search="0%") == ["100%"]
    assert await names(capability="code") == ["100%"]
    assert await names(capability="chat") == ["100%", "other"]
    assert await names(is_active=True) == ["100%"]
    assert await names(is_active=False) == ["1000", "other"]
    assert await names(provider="off") == ["other"]
    assert await names(priced=True) == ["other"]


async def test_models_of_several_providers_are_read_in_one_query(operator: Api, services: ControlServices) -> None:
    for slug in ("acme", "apex", "aeon"):
        await make_provider(operator, slug)
        for number in range(3):
            await make_model(operator, slug, f"{slug}-{number}", is_active=number != 2)
    statements: list[str] = []

    def count(*args: Any) -> None:
        statements.append(args[2])

    engine = services.database.readers.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    await services.keeper.refresh()
    await services.keeper.stop()  # its polling would be counted
    statements.clear()
    found = await operator.data("GET", f"{MODELS}/bulk", params={"providers": "acme,apex,none"})
    event.remove(engine, "before_cursor_execute", count)
    assert {slug: [row["name"] for row in rows] for slug, rows in found.items()} == {
        "acme": ["acme-0", "acme-1"],
        "apex": ["apex-0", "apex-1"],
        "none": [],
    }
    assert len([text for text in statements if text != "BEGIN"]) == 1


async def test_reads_are_cached_and_a_change_shows_at_once(operator: Api, services: ControlServices) -> None:
    await make_provider(operator)
    made = await make_model(operator, "acme", "m")
    assert [row["name"] for row in await operator.data("GET", MODELS)] == ["m"]
    await services.keeper.stop()
    await services.database.close()
    statements: list[str] = []
    engine = services.database.readers.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert [row["name"] for row in await operator.data("GET", MODELS)] == ["m"]
    assert statements == []
    await operator.data("PATCH", f"{MODELS}/{made['id']}", {"name": "n"})
    assert [row["name"] for row in await operator.data("GET", MODELS)] == ["n"]


# ---- other names


ALIASES = "/api/v1/ai/aliases"


async def test_an_alias_is_made_found_changed_and_removed(operator: Api, services: ControlServices) -> None:
    made = await operator.data("POST", ALIASES, {"name": "default", "target": "openai/gpt-4o"})
    assert (made["retired"], made["note"]) == (False, None)
    assert await operator.data("GET", f"{ALIASES}/{made['id']}") == made
    changed = await operator.data("PATCH", f"{ALIASES}/{made['id']}", {"retired": True, "note": "Ask us."})
    assert (changed["name"], changed["retired"], changed["note"]) == ("default", True, "Ask us.")
    assert await operator.data("GET", f"{ALIASES}?name=default&sort=-name") == [changed]
    assert await operator.data("GET", f"{ALIASES}?search=GPT") == [changed]
    async with services.database.read() as session:
        snapshot = await SnapshotCompiler(services.settings, services.sealer).compile(session, 1)
    assert snapshot.aliases == (AliasSpec("default", "openai/gpt-4o", retired=True, note="Ask us."),)
    await operator.data("DELETE", f"{ALIASES}/{made['id']}")
    assert await operator.data("GET", ALIASES) == []
    assert (await operator.get(f"{ALIASES}/{made['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"name": "a", "target": "a"}, 400, "target"),
        ({"name": "taken", "target": "x"}, 409, "name"),
        ({"name": "a", "target": "taken"}, 409, "target"),
        ({"name": "gpt", "target": "a"}, 409, "target"),
        ({"name": "m", "target": "x"}, 409, "name"),
        ({"name": "a*", "target": "x"}, 400, "name"),
        ({"name": "a"}, 400, "target"),
    ],
)
async def test_an_alias_that_would_mislead_is_refused(
    operator: Api, body: dict[str, str], status: int, param: str
) -> None:
    await make_provider(operator)
    await make_model(operator, "acme", "m")
    await operator.data("POST", ALIASES, {"name": "taken", "target": "gpt"})

    answered = await operator.post(ALIASES, body)

    assert answered.status_code == status
    assert param in str(answered.json()["error"]["details"])


@pytest.mark.parametrize(
    ("name", "model_id", "status"), [("gpt-*", "*", 201), ("gpt-*", "x", 201), ("a*b*", "x", 400), ("gpt", "*", 400)]
)
async def test_a_wildcard_takes_the_place_of_what_it_covers(
    operator: Api, name: str, model_id: str, status: int
) -> None:
    await make_provider(operator)

    answered = await operator.post(MODELS, {"provider": "acme", "name": name, "model_id": model_id})

    assert answered.status_code == status
