"""Whoever is switched off is out everywhere within a second, and comes back without what was ended."""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.integration.people.test_scim import USERS, patch
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
                assert time.monotonic() - began < 5
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


async def test_links_that_stand_open_are_taken_back(services: ControlServices, operator: Api, stranger: Api) -> None:
    ada = await make_account(operator, services, "ada@example.com")
    link = await operator.data("POST", f"{AUTH}/links", {"user_id": ada})
    for active in (False, True):
        await operator.data("PATCH", f"/api/v1/users/{ada}", {"is_active": active})
    use = {"token": link["path"].partition("#")[2], "password": PASSWORD}
    assert (await stranger.post(f"{AUTH}/links/use", use)).status_code == 401
