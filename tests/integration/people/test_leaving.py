"""Whoever is switched off is out everywhere within a second, and comes back without what was ended."""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.integration.people.test_scim import CORE, GROUPS, USERS, add, patch
from tests.support.control import Api, FakeRelay, api, make_key, running_control
from tests.support.people import AUTH, PASSWORD, browser, make_account, sign_in
from turnpike.control.contract_server import ContractServer
from turnpike.control.services import ControlServices
from turnpike.settings import Settings


def _elsewhere(services: ControlServices, folder: Path) -> Settings:
    """Another machine: a data folder of its own, the same database and secrets."""
    folder.mkdir(mode=0o700)
    (folder / "secrets.json").write_bytes(services.settings.secrets_file.read_bytes())
    if services.database.is_sqlite:
        (folder / "turnpike.db").symlink_to(services.settings.data_dir / "turnpike.db")
    return services.settings.model_copy(update={"data_dir": folder})


async def test_out_at_every_control_process_and_relay_within_a_second(
    services: ControlServices, operator: Api, scim: Api, tmp_path: Path
) -> None:
    ada = await make_account(operator, services, "ada@example.com")
    key = await make_key(operator, user_id=ada)
    settings = _elsewhere(services, tmp_path / "other")
    async with running_control(settings) as elsewhere, browser(elsewhere) as there, browser(services) as here:
        await sign_in(here, "ada@example.com")
        await sign_in(there, "ada@example.com", "token")
        server = ContractServer(settings.contract_socket, elsewhere.keeper, elsewhere.metrics, elsewhere.health.report)
        await server.start()
        try:
            relay = await FakeRelay.connect(settings.contract_socket)
            assert (await relay.resolve(key["key"])).grant is not None
            assert (await there.get(f"{AUTH}/me")).status_code == 200
            off = await patch(scim, f"{USERS}/{ada}", {"op": "Replace", "path": "active", "value": "False"})
            assert off.json()["active"] is False
            began = time.monotonic()
            assert (await here.get(f"{AUTH}/me")).status_code == 401
            await relay.until(lambda each: each.forgotten(key["id"]))
            assert (await relay.resolve(key["key"])).grant is None
            while (await there.get(f"{AUTH}/me")).status_code != 401:
                assert time.monotonic() - began < 1
                await asyncio.sleep(0.02)
            await relay.close()
        finally:
            await server.stop()
    on = await patch(scim, f"{USERS}/{ada}", {"op": "Replace", "path": "active", "value": "True"})
    assert on.json()["active"] is True
    row = await operator.data("GET", f"/api/v1/keys/{key['id']}")
    assert row["status"] == "revoked"
    async with api(services, key["key"]) as caller, browser(services) as person:
        assert (await caller.get("/api/v1/keys/current")).status_code == 401
        await sign_in(person, "ada@example.com")
        sessions: list[dict[str, Any]] = await person.data("GET", f"{AUTH}/sessions", params={"ended": True})
        assert sorted(each["status"] for each in sessions)[:1] == ["active"]
        assert sum(each["status"] == "active" for each in sessions) == 1


async def _tries(stranger: Api, link: dict[str, Any]) -> int:
    use = {"token": link["path"].partition("#")[2], "password": PASSWORD}
    return (await stranger.post(f"{AUTH}/links/use", use)).status_code


async def test_links_that_stand_open_are_taken_back(services: ControlServices, operator: Api, stranger: Api) -> None:
    ada = await make_account(operator, services, "ada@example.com")
    department = (await operator.data("POST", "/api/v1/departments", {"name": "Research"}))["id"]
    there = (await operator.data("POST", "/api/v1/departments", {"name": "There"}))["id"]
    path = f"/api/v1/users/{ada}"
    changes: list[tuple[str, str, Any]] = [
        ("PATCH", path, {"is_active": False}),
        ("PATCH", path, {"role": "super_admin"}),
        ("PATCH", path, {"department_id": department}),
        ("POST", f"/api/v1/departments/{there}/members", {"user_ids": [ada]}),
        ("DELETE", f"/api/v1/departments/{there}?move_to={department}", None),
    ]
    for method, where, body in changes:
        link = await operator.data("POST", f"{AUTH}/links", {"user_id": ada})
        await operator.data(method, where, body)
        await operator.data("PATCH", path, {"is_active": True})
        assert await _tries(stranger, link) == 401, (method, body)
    link = await operator.data("POST", f"{AUTH}/links", {"user_id": ada})
    await operator.data("PATCH", path, {"display_name": "Ada", "role": "super_admin"})
    assert await _tries(stranger, link) == 200, "nothing of that was another"


async def test_a_group_that_gives_a_role_takes_links_back(operator: Api, scim: Api, stranger: Api) -> None:
    await operator.data("POST", "/api/v1/scim/mappings", {"group": "Admins", "role": "admin"})
    ada = await add(scim, "ada@example.com")
    link = await operator.data("POST", f"{AUTH}/links", {"user_id": ada["id"]})
    body = {"schemas": [f"{CORE}:Group"], "displayName": "Admins", "members": [{"value": ada["id"]}]}
    assert (await scim.post(GROUPS, body)).status_code == 201
    assert await _tries(stranger, link) == 401


async def test_a_scim_token_ends_with_its_maker_and_does_what_they_still_may(
    services: ControlServices, operator: Api, scim: Api
) -> None:
    maker = await make_account(operator, services, "maker@example.com", "admin")
    lead = await make_account(operator, services, "lead@example.com", "department_admin")
    rights = {"manage_provisioning": "all_data", "view_users": "all_data"}
    await operator.data("PUT", "/api/v1/roles/provisioner", {"permissions": rights})
    off = {"op": "replace", "value": {"active": False}}
    async with browser(services) as person:
        await sign_in(person, "maker@example.com")
        made = await person.data("POST", "/api/v1/scim/tokens", {"name": "Okta"})
    headers = {"authorization": f"Bearer {made['token']}", "content-type": "application/scim+json"}
    async with browser(services, **headers) as client:
        assert (await client.get(USERS)).status_code == 200
        for role, reads, changes in (("provisioner", 200, 403), ("user", 401, 401), ("admin", 200, 200)):
            await operator.data("PATCH", f"/api/v1/users/{maker}", {"role": role})
            assert (await client.get(USERS)).status_code == reads, role
            assert (await patch(client, f"{USERS}/{lead}", off)).status_code == changes, role
        await operator.data("PATCH", f"/api/v1/users/{maker}", {"is_active": False})
        assert (await client.get(USERS)).status_code == 401
        await operator.data("PATCH", f"/api/v1/users/{maker}", {"is_active": True})
        assert (await client.get(USERS)).status_code == 401, "for ever"
    states = {row["name"]: row["status"] for row in await operator.data("GET", "/api/v1/scim/tokens")}
    assert states == {"Okta": "revoked", "Entra ID": "active"}
    assert (await scim.get(USERS)).status_code == 200, "the operator's is the organisation's"
