"""API keys: shown once, stored as a digest, never granting more than owner and maker have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.support.control import Api, api, make_key, make_model, make_provider, make_user
from turnpike.contract.grants import KeyGrant, key_digest
from turnpike.contract.scopes import DEFAULT_SCOPES, SCOPES, to_bits, to_names
from turnpike.control.db.models import ApiKey
from turnpike.control.services import ControlServices
from turnpike.control.tasks import PeriodicTasks

KEYS = "/api/v1/keys"


async def resolve(services: ControlServices, key: str) -> KeyGrant | None:
    return await services.keeper.grants.resolve(key_digest(key.encode(), services.sealer.keyring.pepper))


async def test_a_key_is_shown_once_and_stored_as_a_digest(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    assert made["key"].startswith("tp-")
    assert len(made["key"]) >= 3 + 43
    assert made["key"].startswith(made["prefix"])
    again = (await operator.get(f"{KEYS}/{made['id']}")).text
    listed = (await operator.get(KEYS)).text
    assert made["key"] not in again + listed
    async with services.database.read() as session:
        row = (await session.scalars(select(ApiKey).where(ApiKey.id == made["id"]))).one()
    assert row.digest == key_digest(made["key"].encode(), services.sealer.keyring.pepper)


async def test_a_new_key_gets_the_default_scopes_and_its_grant(operator: Api, services: ControlServices) -> None:
    user = await make_user(operator)
    made = await make_key(operator, user_id=user, models=["gpt-*"], networks=["10.1.2.3/8"])
    grant = await resolve(services, made["key"])
    assert grant is not None
    assert to_names(grant.scopes) == list(DEFAULT_SCOPES)
    assert (grant.user_id, grant.role, grant.models, grant.networks) == (user, "user", ("gpt-*",), ("10.0.0.0/8",))
    assert grant.expires_at_ms == 0


async def test_an_unknown_key_resolves_to_nothing(services: ControlServices) -> None:
    assert await resolve(services, "tp-" + "x" * 43) is None


async def test_a_revoked_key_is_unknown(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    revoked = await operator.data("DELETE", f"{KEYS}/{made['id']}")
    assert revoked["status"] == "revoked"
    assert await resolve(services, made["key"]) is None
    assert (await operator.patch(f"{KEYS}/{made['id']}", {"name": "again"})).status_code == 409


async def test_an_expired_key_is_unknown(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    async with services.database.write() as session:
        await session.execute(update(ApiKey).where(ApiKey.id == made["id"]).values(expires_at_ms=1))
    services.keeper.grants.forget(None)
    assert await resolve(services, made["key"]) is None
    assert (await operator.data("GET", f"{KEYS}/{made['id']}"))["status"] == "expired"


async def test_expiry_in_the_past_is_refused(operator: Api) -> None:
    gone = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = await operator.post(KEYS, {"name": "k", "expires_at": gone})
    assert answer.status_code == 400
    assert answer.json()["error"]["details"]["param"] == "expires_at"


async def test_the_default_lifetime_is_the_settings(operator: Api, services: ControlServices) -> None:
    services.settings = services.settings.model_copy(update={"api_key_lifetime_days": 30})
    made = await make_key(operator)
    ends = datetime.fromisoformat(made["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=29, hours=23) < ends <= timedelta(days=30)
    assert (await make_key(operator, expires_at=None))["expires_at"] is None


@pytest.mark.parametrize("scope", ["admin", "cluster:read", "cluster:write"])
async def test_a_users_key_cannot_hold_what_users_cannot(operator: Api, scope: str) -> None:
    user = await make_user(operator)
    answer = await operator.post(KEYS, {"name": "k", "user_id": user, "scopes": [scope]})
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "SCOPE_MISSING"
    assert scope in answer.json()["message"]


async def test_demoting_an_owner_takes_the_keys_scopes_away_at_once(operator: Api, services: ControlServices) -> None:
    user = await make_user(operator, "admin")
    made = await make_key(operator, user_id=user, scopes=["admin", "inference:text"])
    before = await resolve(services, made["key"])
    assert before is not None
    assert to_names(before.scopes) == ["inference:text", "admin"]
    await operator.data("PATCH", f"/api/v1/users/{user}", {"role": "user"})
    after = await resolve(services, made["key"])
    assert after is not None
    assert to_names(after.scopes) == ["inference:text"]


async def test_a_deactivated_owners_keys_are_revoked_and_stay_so(operator: Api, services: ControlServices) -> None:
    user = await make_user(operator)
    made = await make_key(operator, user_id=user)
    await operator.data("PATCH", f"/api/v1/users/{user}", {"is_active": False})
    assert await resolve(services, made["key"]) is None
    await operator.data("PATCH", f"/api/v1/users/{user}", {"is_active": True})
    assert await resolve(services, made["key"]) is None
    assert (await operator.data("GET", f"{KEYS}/{made['id']}"))["status"] == "revoked"


async def _admin_key(operator: Api, role: str = "admin", **values: Any) -> str:
    user = await make_user(operator, role)
    return (await make_key(operator, user_id=user, **values))["key"]


async def test_a_key_cannot_give_scopes_that_it_lacks(operator: Api, services: ControlServices) -> None:
    key = await _admin_key(operator, scopes=["admin", "models:read"])
    async with api(services, key) as admin:
        refused = await admin.post(KEYS, {"name": "k", "scopes": ["cluster:write"]})
        assert refused.status_code == 403
        assert "cluster:write" in refused.json()["message"]
        made = await admin.post(KEYS, {"name": "k", "scopes": ["models:read"]})
        assert made.status_code == 201
        raised = await admin.patch(f"{KEYS}/{made.json()['data']['id']}", {"scopes": ["inference:text"]})
        assert raised.status_code == 403


@pytest.mark.parametrize("models", [[], ["*"], ["gpt-4o", "claude-3"], ["gp*"]])
async def test_a_key_limited_to_models_cannot_give_more(
    operator: Api, services: ControlServices, models: list[str]
) -> None:
    key = await _admin_key(operator, scopes=["admin"], models=["gpt-*"])
    async with api(services, key) as admin:
        assert (await admin.post(KEYS, {"name": "k", "scopes": [], "models": models})).status_code == 403
        assert (await admin.post(KEYS, {"name": "k", "scopes": [], "models": ["gpt-4*"]})).status_code == 201


@pytest.mark.parametrize("networks", [[], ["0.0.0.0/0"], ["::/0"], ["10.0.0.0/7"]])
async def test_a_key_limited_to_networks_cannot_give_more(
    operator: Api, services: ControlServices, networks: list[str]
) -> None:
    key = await _admin_key(operator, scopes=["admin"], networks=["10.0.0.0/8"])
    async with api(services, key, **{"x-forwarded-for": "10.1.1.1"}) as admin:
        assert (await admin.post(KEYS, {"name": "k", "scopes": [], "networks": networks})).status_code == 403
        assert (await admin.post(KEYS, {"name": "k", "scopes": [], "networks": ["10.2.0.0/16"]})).status_code == 201


async def test_an_admin_cannot_handle_a_super_admins_keys(
    operator: Api, services: ControlServices, first_key: str
) -> None:
    owner = next(row for row in await operator.data("GET", KEYS) if first_key.startswith(row["prefix"]))
    async with api(services, await _admin_key(operator, scopes=list(SCOPES))) as admin:
        for method, path in (("DELETE", ""), ("POST", "/rotate"), ("PATCH", "")):
            answer = await admin.call(method, f"{KEYS}/{owner['id']}{path}", {} if method != "DELETE" else None)
            assert answer.status_code == 403, (method, path)
        assert (await admin.post(KEYS, {"name": "k", "user_id": owner["user_id"]})).status_code == 403
    assert await resolve(services, first_key) is not None


async def test_a_key_without_the_admin_scope_manages_nothing(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator, scopes=[scope for scope in SCOPES if scope != "admin"])
    async with api(services, made["key"]) as caller:
        for path in (KEYS, "/api/v1/users", "/api/v1/departments"):
            answer = await caller.get(path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "SCOPE_MISSING")


# ---- rotation


async def test_rotation_by_hand_gives_a_successor_and_a_grace_period(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator, models=["gpt-*"], networks=["10.0.0.0/8"], scopes=["embeddings"])
    successor = await operator.data("POST", f"{KEYS}/{made['id']}/rotate", {"grace_hours": 2})
    assert successor["key"] != made["key"]
    assert [successor[field] for field in ("models", "networks", "scopes")] == [
        made[field] for field in ("models", "networks", "scopes")
    ]
    old = await operator.data("GET", f"{KEYS}/{made['id']}")
    assert (old["status"], old["successor_id"]) == ("rotated", successor["id"])
    left = datetime.fromisoformat(old["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=59) < left <= timedelta(hours=2)
    assert await resolve(services, made["key"]) is not None
    assert await resolve(services, successor["key"]) is not None


async def test_rotation_without_grace_ends_the_old_key_at_once(operator: Api, services: ControlServices) -> None:
    made = await make_key(operator)
    await operator.data("POST", f"{KEYS}/{made['id']}/rotate", {"grace_hours": 0})
    assert await resolve(services, made["key"]) is None


async def test_a_key_is_rotated_once(operator: Api) -> None:
    made = await make_key(operator)
    await operator.data("POST", f"{KEYS}/{made['id']}/rotate")
    assert (await operator.post(f"{KEYS}/{made['id']}/rotate")).status_code == 409


async def test_any_key_may_rotate_itself(operator: Api, services: ControlServices) -> None:
    user = await make_user(operator)
    made = await make_key(operator, user_id=user, scopes=["inference:text"])
    async with api(services, made["key"]) as caller:
        assert (await caller.data("GET", f"{KEYS}/current"))["id"] == made["id"]
        successor = await caller.data("POST", f"{KEYS}/current/rotate")
    assert successor["scopes"] == ["inference:text"]
    assert await resolve(services, successor["key"]) is not None


async def _aged(services: ControlServices, key_id: str, days: int) -> None:
    async with services.database.write() as session:
        made = ApiKey.created_at_ms - days * 24 * 3600 * 1000
        await session.execute(update(ApiKey).where(ApiKey.id == key_id).values(created_at_ms=made))


async def test_rotation_by_policy_locks_nobody_out(operator: Api, services: ControlServices) -> None:
    """The old key goes on until its owner has fetched the successor; the grace period begins then."""
    services.settings = services.settings.model_copy(update={"api_key_rotation_days": 30})
    user = await make_user(operator)
    made = await make_key(operator, user_id=user)
    fresh = await make_key(operator, user_id=user, name="fresh")
    await _aged(services, made["id"], 31)
    tasks = PeriodicTasks(services)
    assert await tasks.rotate_keys() == 1
    assert await tasks.rotate_keys() == 0
    old = await operator.data("GET", f"{KEYS}/{made['id']}")
    assert (old["successor_waiting"], old["expires_at"], old["status"]) == (True, None, "rotated")
    assert (await operator.data("GET", f"{KEYS}/{fresh['id']}"))["successor_waiting"] is False
    async with api(services, made["key"]) as caller:
        successor = await caller.data("POST", f"{KEYS}/current/claim")
        assert (await caller.post(f"{KEYS}/current/claim")).status_code == 409
        old = await caller.data("GET", f"{KEYS}/current")
    assert old["expires_at"] is not None
    assert old["successor_waiting"] is False
    assert successor["id"] == old["successor_id"]
    assert await resolve(services, made["key"]) is not None
    assert await resolve(services, successor["key"]) is not None


async def test_a_waiting_successor_is_stored_encrypted(operator: Api, services: ControlServices) -> None:
    services.settings = services.settings.model_copy(update={"api_key_rotation_days": 1})
    made = await make_key(operator)
    await _aged(services, made["id"], 2)
    await PeriodicTasks(services).rotate_keys()
    async with services.database.read() as session:
        sealed = (await session.scalars(select(ApiKey.sealed_key).where(ApiKey.sealed_key.is_not(None)))).one()
    assert sealed is not None
    assert "tp-" not in sealed
    assert services.sealer.open(sealed).startswith("tp-")


# ---- lists and bad input


async def test_lists_have_pages_that_hold_every_row_once(operator: Api) -> None:
    for number in range(7):
        await make_key(operator, name=f"k{number}")
    seen: list[str] = []
    for page in (1, 2, 3):
        answer = (await operator.get(KEYS, params={"page": page, "per_page": 3, "sort": "name"})).json()
        assert answer["meta"]["pagination"] == {"page": page, "per_page": 3, "total": 8, "pages": 3}
        seen += [row["name"] for row in answer["data"]]
    assert seen == ["first key", *(f"k{number}" for number in range(7))]


async def test_keys_are_filtered_by_status_scope_and_owner(operator: Api) -> None:
    user = await make_user(operator)
    kept = await make_key(operator, user_id=user, scopes=["embeddings"])
    gone = await make_key(operator, user_id=user, scopes=["video"])
    await operator.data("DELETE", f"{KEYS}/{gone['id']}")

    async def ids(**params: str) -> list[str]:
        return [row["id"] for row in await operator.data("GET", KEYS, params={"user_id": user, **params})]

    assert await ids(status="active") == [kept["id"]]
    assert await ids(status="revoked") == [gone["id"]]
    assert await ids(scope="embeddings") == [kept["id"]]
    assert await ids(scope="admin") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\u0000b"}, "name"),
        ({"name": "k", "scopes": ["root"]}, "scopes"),
        ({"name": "k", "networks": ["10.0.0.0/99"]}, "networks.0"),
        ({"name": "k", "digest": "00"}, "digest"),
        ({"name": "k", "revoked_at_ms": 0}, "revoked_at_ms"),
        ({"name": "k", "user_id": "me"}, "user_id"),
        ({"name": "k", "expires_at": "soon"}, "expires_at"),
        ({"name": "k", "default_provider": "nowhere"}, "default_provider"),
        ({}, "name"),
    ],
)
async def test_bad_bodies_are_refused_by_field(embedded: Api, body: dict[str, Any], field: str) -> None:
    answer = await embedded.post(KEYS, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["details"]["param"] == field


async def test_the_default_provider_is_told_by_its_slug(operator: Api, services: ControlServices) -> None:
    provider = await make_provider(operator)
    await make_model(operator, provider["id"], "m")
    made = await make_key(operator, default_provider="acme")
    grant = await resolve(services, made["key"])
    assert grant is not None
    assert grant.default_provider == "acme"
    await operator.data("PATCH", "/api/v1/ai/providers/acme", {"slug": "apex"})
    grant = await resolve(services, made["key"])
    assert grant is not None
    assert grant.default_provider == "apex"


def test_every_scope_has_a_bit_of_its_own() -> None:
    assert to_bits(SCOPES) == 2 ** len(SCOPES) - 1
