"""The catalog's REST: who may do and see what, everybody's own settings, shared credentials."""

import pytest
from sqlalchemy import func, select

from tests.integration.control.test_keys import resolve
from tests.support.control import SECRET, Api, api, make_key, make_model, make_provider, make_user
from turnpike.control.db.models import Credential
from turnpike.control.services import ControlServices

PROVIDERS = "/api/v1/ai/providers"
MODELS = "/api/v1/ai/models"


# ---- who may what


async def test_only_the_admin_scope_changes_the_catalog(operator: Api, services: ControlServices) -> None:
    provider = await make_provider(operator, shared_api_key=SECRET)
    model = await make_model(operator, "acme", "m")
    key = (await make_key(operator, user_id=await make_user(operator), scopes=["models:read", "passthrough"]))["key"]
    async with api(services, key) as reader:
        for method, path in (
            ("POST", PROVIDERS), ("PUT", f"{PROVIDERS}/acme"), ("PATCH", f"{PROVIDERS}/acme"),
            ("DELETE", f"{PROVIDERS}/acme"), ("POST", f"{PROVIDERS}/acme/test"),
            ("POST", f"{PROVIDERS}/acme/sync-models"),
            ("GET", f"{PROVIDERS}/acme/credentials"), ("POST", f"{PROVIDERS}/acme/credentials"),
            ("POST", MODELS), ("PUT", f"{MODELS}/{model['id']}"), ("PATCH", f"{MODELS}/{model['id']}"),
            ("DELETE", f"{MODELS}/{model['id']}"), ("POST", f"{MODELS}/{model['id']}/test"),
        ):  # fmt: skip
            answer = await reader.call(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_MISSING"), (method, path)
        shown = await reader.data("GET", f"{PROVIDERS}/acme")
        assert shown["id"] == provider["id"]
        for hidden in ("api_base_url", "shared_api_key", "credentials", "allow_addresses", "proxy", "config"):
            assert shown[hidden] is None


async def test_what_is_switched_off_is_not_shown_to_those_who_do_not_administer(
    operator: Api, services: ControlServices
) -> None:
    await make_provider(operator, "off", is_active=False)
    await make_provider(operator, "acme")
    hidden = await make_model(operator, "off", "hidden")
    await make_model(operator, "acme", "shown")
    key = (await make_key(operator, user_id=await make_user(operator), scopes=["models:read"]))["key"]
    async with api(services, key) as reader:
        assert [row["slug"] for row in await reader.data("GET", PROVIDERS)] == ["acme"]
        assert [row["name"] for row in await reader.data("GET", MODELS, params={"is_active": False})] == ["shown"]
        assert (await reader.get(f"{PROVIDERS}/off")).status_code == 404
        assert (await reader.get(f"{MODELS}/{hidden['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("role", "flags", "expected"),
    [
        ("user", {}, "AVAILABLE_SHARED"),
        ("user", {"allow_shared_for_users": False}, "NO_ACCESS"),
        ("admin", {}, "NO_ACCESS"),
        ("department_admin", {"allow_shared_for_normal_admins": True}, "AVAILABLE_SHARED"),
        ("super_admin", {"allow_shared_for_users": False}, "AVAILABLE_SHARED"),
    ],
)
async def test_each_person_sees_their_own_access(
    operator: Api, services: ControlServices, role: str, flags: dict[str, bool], expected: str
) -> None:
    await make_provider(operator, **flags)
    await make_model(operator, "acme", "m")
    key = (await make_key(operator, user_id=await make_user(operator, role)))["key"]
    async with api(services, key) as person:
        assert (await person.data("GET", MODELS))[0]["access"] == expected
        assert (await person.data("GET", f"{PROVIDERS}/acme"))["access"] == expected
        own = await person.data("PUT", f"{PROVIDERS}/acme/settings", {"personal_api_key": SECRET})
        assert own["access"] == "AVAILABLE_PERSONAL"
        assert (await person.data("GET", MODELS))[0]["access"] == "AVAILABLE_PERSONAL"


# ---- a person's own settings


async def test_own_settings_are_kept_masked_and_forgotten(operator: Api, services: ControlServices) -> None:
    await make_provider(operator)
    key = (await make_key(operator, user_id=await make_user(operator)))["key"]
    path = f"{PROVIDERS}/acme/settings"
    async with api(services, key) as person:
        assert (await person.data("GET", path))["personal_api_key"] is None
        made = await person.data("PUT", path, {"personal_api_key": SECRET, "monthly_limit": 10000})
        assert (made["personal_api_key"], made["monthly_limit"], made["use_shared_api"]) == ("sk-…abcd", 10000, False)
        changed = await person.data("PATCH", path, {"use_shared_api": True})
        assert (changed["access"], changed["monthly_limit"]) == ("AVAILABLE_SHARED", 10000)
        replaced = await person.data("PUT", path, {"use_shared_api": False})
        assert (replaced["monthly_limit"], replaced["personal_api_key"]) == (None, "sk-…abcd")
        off = await person.data("PATCH", path, {"is_active": False})
        assert off["access"] == "AVAILABLE_SHARED"
        gone = await person.data("DELETE", path)
        assert (gone["personal_api_key"], gone["use_shared_api"]) == (None, True)
    async with services.database.read() as session:
        assert (await session.execute(select(func.count()).select_from(Credential))).scalar_one() == 0


async def test_a_personal_credential_is_visible_to_nobody_else(
    operator: Api, services: ControlServices, first_key: str
) -> None:
    await make_provider(operator)
    owner = (await make_key(operator, user_id=await make_user(operator)))["key"]
    async with api(services, owner) as person:
        await person.data("PUT", f"{PROVIDERS}/acme/settings", {"personal_api_key": SECRET})
    async with services.database.read() as session:
        credential = (await session.scalars(select(Credential.id))).one()
    async with api(services, first_key) as admin:
        assert await admin.data("GET", f"{PROVIDERS}/acme/credentials") == []
        assert (await admin.data("GET", f"{PROVIDERS}/acme"))["shared_api_key"] is None
        assert (await admin.data("GET", f"{PROVIDERS}/acme/settings"))["personal_api_key"] is None
        for method in ("PATCH", "DELETE"):
            path = f"{PROVIDERS}/acme/credentials/{credential}"
            assert (await admin.call(method, path, {} if method == "PATCH" else None)).status_code == 404


async def test_a_personal_credential_goes_with_its_owners_grant_only(
    operator: Api, services: ControlServices, first_key: str
) -> None:
    provider = await make_provider(operator, shared_api_key="sk-shared-shared-shared-1111")
    owner = (await make_key(operator, user_id=await make_user(operator)))["key"]
    async with api(services, owner) as person:
        await person.data("PUT", f"{PROVIDERS}/acme/settings", {"personal_api_key": SECRET})
    await services.keeper.refresh()
    snapshot = services.keeper.snapshot
    assert snapshot is not None
    assert [credential.secret for credential in snapshot.providers[0].credentials] == ["sk-shared-shared-shared-1111"]
    grant = await resolve(services, owner)
    other = await resolve(services, first_key)
    assert grant is not None
    assert other is not None
    assert [(a.provider_id, a.secret, a.use_shared_api) for a in grant.personal] == [(provider["id"], SECRET, False)]
    assert other.personal == ()


async def test_a_key_that_cannot_call_models_changes_no_settings(operator: Api, services: ControlServices) -> None:
    await make_provider(operator)
    key = (await make_key(operator, user_id=await make_user(operator), scopes=["models:read"]))["key"]
    async with api(services, key) as reader:
        assert (await reader.get(f"{PROVIDERS}/acme/settings")).status_code == 200
        for method in ("PUT", "PATCH", "DELETE"):
            assert (await reader.call(method, f"{PROVIDERS}/acme/settings")).status_code == 403


async def test_the_operator_is_no_person_with_settings(operator: Api) -> None:
    await make_provider(operator)
    assert (await operator.get(f"{PROVIDERS}/acme/settings")).status_code == 400


# ---- credentials


async def test_a_provider_may_have_several_shared_credentials(operator: Api, services: ControlServices) -> None:
    await make_provider(operator, shared_api_key="sk-first-first-first-first-1111")
    path = f"{PROVIDERS}/acme/credentials"
    second = await operator.data("POST", path, {"label": "second", "api_key": "sk-second-second-second-2222"})
    assert [row["api_key"] for row in await operator.data("GET", path)] == ["sk-…1111", "sk-…2222"]
    assert (await operator.data("GET", f"{PROVIDERS}/acme"))["credentials"] == ["sk-…1111", "sk-…2222"]
    await operator.data("PATCH", f"{path}/{second['id']}", {"is_active": False})
    await services.keeper.refresh()
    assert services.keeper.snapshot is not None
    assert [c.secret for c in services.keeper.snapshot.providers[0].credentials] == ["sk-first-first-first-first-1111"]
    await operator.data("PATCH", f"{PROVIDERS}/acme", {"shared_api_key": None})
    assert [row["label"] for row in await operator.data("GET", path)] == ["second"]
    await operator.data("DELETE", f"{path}/{second['id']}")
    assert await operator.data("GET", path) == []
