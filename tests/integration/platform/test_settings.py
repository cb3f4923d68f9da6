"""Settings that are changed while the gateway runs, feature flags, and maintenance."""

from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from tests.support.control import SECRET, Api, api, eventually, make_key, make_user, running_control
from tests.support.redis import RedisCluster, redis_cluster
from turnpike.control.db.models import AuditEntry
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

__all__ = ["redis_cluster"]
API = "/api/v1"


async def caller_of(operator: Api, role: str = "user", **values: Any) -> tuple[str, str]:
    user = await make_user(operator, role, **values)
    return user, (await make_key(operator, user_id=user))["key"]


async def actions(services: ControlServices) -> list[str]:
    async with services.database.read() as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))


# ---- settings


async def test_a_changed_setting_is_in_force_within_a_second_and_may_be_taken_back(
    services: ControlServices, operator: Api
) -> None:
    where = f"{API}/settings/api_key_lifetime_days"
    assert (await operator.data("GET", where))["source"] == "default"
    changed = await operator.data("PUT", where, {"value": 30})
    assert (changed["value"], changed["source"], changed["changeable"]) == (30, "stored", True)
    await eventually(lambda: services.settings.api_key_lifetime_days == 30, timeout_s=1)
    assert (await make_key(operator))["expires_at"] is not None
    assert (await operator.data("DELETE", where))["source"] == "default"
    await eventually(lambda: services.settings.api_key_lifetime_days == 0, timeout_s=1)
    assert [name for name in await actions(services) if name.startswith("setting")] == [
        "setting.update", "setting.delete",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("api_key_lifetime_days", -1, 400),
        ("api_key_lifetime_days", "soon", 400),
        ("require_if_match", "perhaps", 400),
        ("password_min_length", 4, 400),
        ("port", 99, 409),
        ("secret_keys", "x", 409),
        ("no_such_thing", 1, 404),
    ],
)
async def test_what_may_not_be_set(operator: Api, name: str, value: Any, status: int) -> None:
    assert (await operator.put(f"{API}/settings/{name}", {"value": value})).status_code == status


async def test_no_setting_shows_a_secret(services: ControlServices) -> None:
    from pydantic import SecretStr

    told = {"redis_url": SecretStr(f"redis://:{SECRET}@h/0"), "upstream_proxy": f"http://u:{SECRET}@proxy:1"}
    services.runtime.base = services.runtime.base.model_copy(update=told)
    async with api(services) as operator:
        rows = await operator.data("GET", f"{API}/settings?per_page=500")
        assert SECRET not in "".join(operator.answers)
    found = {row["name"]: row for row in rows}
    assert (found["redis_url"]["value"], found["redis_url"]["is_set"], found["redis_url"]["kind"]) == (
        None, True, "secret",
    )  # fmt: skip
    assert all(row["description"] for row in rows)


async def test_settings_and_system_are_for_administrators(services: ControlServices, operator: Api) -> None:
    _, key = await caller_of(operator)
    async with api(services, key) as person:
        for method, path in (
            ("GET", "/settings"), ("PUT", "/settings/metrics_open"), ("DELETE", "/settings/metrics_open"),
            ("GET", "/admin/system"), ("GET", "/admin/counters"), ("GET", "/admin/maintenance"),
            ("PUT", "/admin/maintenance"), ("GET", "/flags"), ("POST", "/flags"),
        ):  # fmt: skip
            body = {"value": True} if method == "PUT" else None
            assert (await person.call(method, API + path, body)).status_code == 403, path


async def test_the_system_tells_what_it_is_made_of(services: ControlServices, operator: Api) -> None:
    view = await operator.data("GET", f"{API}/admin/system")
    assert view["database"]["kind"] == ("sqlite" if services.database.is_sqlite else "postgresql")
    assert view["database"]["version"][0].isdigit()
    assert view["redis"] == {"state": "not configured", "version": None}
    assert view["disk"]["total_bytes"] > view["disk"]["free_bytes"] > 0
    counters = await operator.data("GET", f"{API}/admin/counters")
    assert {"name": "turnpike_relays", "value": 0.0} in counters["control"]


async def test_the_system_shows_a_redis_cluster_and_one_that_is_away(
    sqlite_settings: Settings, redis_cluster: RedisCluster
) -> None:
    async def shown(url: str) -> dict[str, Any]:
        changed = sqlite_settings.model_copy(update={"redis_url": SecretStr(url)})
        async with running_control(changed) as services, api(services) as operator:
            return (await operator.data("GET", f"{API}/admin/system"))["redis"]

    there = await shown(redis_cluster.address)
    assert (there["state"], there["version"][0].isdigit()) == ("ok", True)
    away = await shown("redis+cluster://127.0.0.1:1")
    assert away["version"] is None
    assert away["state"].startswith("cannot be reached")


# ---- maintenance


async def test_in_maintenance_only_administrators_go_on(services: ControlServices, operator: Api) -> None:
    _, key = await caller_of(operator)
    body = {"on": True, "message": "Back at 14:00.", "retry_after_s": 600}
    await operator.data("PUT", f"{API}/admin/maintenance", body)
    await eventually(lambda: services.keeper.maintenance is not None, timeout_s=5)
    assert services.keeper.snapshot is not None
    assert services.keeper.snapshot.maintenance is not None, "what relays are told"
    async with api(services, key) as person:
        answer = await person.get(f"{API}/keys/current")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "MAINTENANCE")
        assert (answer.headers["retry-after"], answer.json()["message"]) == ("600", "Back at 14:00.")
        assert (await person.get(f"{API}/health")).json()["data"]["checks"]["maintenance"] == "degraded: Back at 14:00."
    async with api(services, services.settings.first_key_file.read_text().strip()) as admin:
        assert (await admin.get(f"{API}/keys/current")).status_code == 200
    await operator.data("PUT", f"{API}/admin/maintenance", {"on": False})
    await eventually(lambda: services.keeper.maintenance is None, timeout_s=5)
    async with api(services, key) as person:
        assert (await person.get(f"{API}/keys/current")).status_code == 200


# ---- flags


async def evaluated(services: ControlServices, key: str) -> dict[str, Any]:
    async with api(services, key) as person:
        return {row["name"]: row["value"] for row in await person.data("GET", f"{API}/flags/evaluated")}


async def test_a_flag_is_what_its_first_rule_says(services: ControlServices, operator: Api) -> None:
    department = (await operator.data("POST", f"{API}/departments", {"name": "D"}))["id"]
    inside, inside_key = await caller_of(operator, department_id=department)
    _, outside_key = await caller_of(operator)
    rules = [{"value": "person", "users": [inside]}, {"value": "department", "departments": [department]}]
    await operator.data("POST", f"{API}/flags", {"name": "f", "kind": "string", "default": "all", "rules": rules})
    assert (await evaluated(services, inside_key), await evaluated(services, outside_key)) == (
        {"f": "person"}, {"f": "all"},
    )  # fmt: skip
    await operator.data("PATCH", f"{API}/flags/f", {"rules": rules[1:]})
    assert await evaluated(services, inside_key) == {"f": "department"}, "at work at once"
    await operator.data("PATCH", f"{API}/flags/f", {"is_active": False})
    assert await evaluated(services, inside_key) == {"f": "all"}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "boolean", "default": "yes"},
        {"kind": "number", "default": True},
        {"kind": "string", "default": "a", "rules": [{"value": 1}]},
        {"kind": "json", "default": {"a": 1}, "value_schema": {"type": "object", "required": ["b"]}},
        {"kind": "json", "default": 1, "value_schema": {"type": "nothing"}},
        {"kind": "json", "default": 1, "value_schema": {"$ref": "http://127.0.0.1:1/schema"}},
        {"kind": "boolean", "default": True, "value_schema": {}},
        {"default": False, "rules": [{"value": True, "users": ["01a1fd3b-ec2a-7091-95a4-b1f1949e5fa5"]}]},
        {"default": False, "rules": [{"value": True, "percentage": 101}]},
    ],
)
async def test_values_that_are_not_of_the_flags_type(operator: Api, body: dict[str, Any]) -> None:
    assert (await operator.post(f"{API}/flags", {"name": "f", **body})).status_code == 400
