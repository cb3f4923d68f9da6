"""The event stream: who sees what, where it goes on, and when it ends. Over a real socket, as control serves it."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.support.control import Api, api, make_key, make_user
from tests.support.following import EVENTS, following, serving
from turnpike.control.domains.events import service
from turnpike.control.services import ControlServices

PASSWORD = "correct-Horse-battery-77-staple"


@pytest.fixture
async def address(services: ControlServices) -> AsyncIterator[str]:
    async with serving(services) as url:
        yield url


def first_key(services: ControlServices) -> str:
    return services.settings.first_key_file.read_text().strip()


async def test_everybody_sees_what_is_theirs_to_see(services: ControlServices, operator: Api, address: str) -> None:
    ours = await operator.data("POST", "/api/v1/departments", {"name": "Ours"})
    lead = await make_user(operator, "department_admin", department_id=ours["id"])
    ada = await make_user(operator, department_id=ours["id"])
    bob = await make_user(operator)
    keys = {
        name: (await make_key(operator, user_id=who, scopes=["inference:text"], **role))["key"]
        for name, who, role in (("lead", lead, {"role": "department_admin"}), ("ada", ada, {}), ("bob", bob, {}))
    }
    await asyncio.sleep(0.8)  # what happened until now is handed out
    async with (
        following(address, first_key(services)) as admins,
        following(address, keys["lead"]) as leads,
        following(address, keys["ada"]) as adas,
        following(address, keys["bob"]) as bobs,
    ):
        made = {who: (await make_key(operator, user_id=who))["id"] for who in (lead, ada, bob)}
        await operator.data("POST", "/api/v1/departments", {"name": "Silent"})

        def ids(seen: list[dict[str, Any]]) -> set[str]:
            return {each["data"]["key_id"] for each in seen}

        assert ids(await admins.until(3)) == set(made.values())
        assert ids(await leads.until(2)) == {made[lead], made[ada]}
        assert ids(await adas.until(1)) == {made[ada]}
        assert ids(await bobs.until(1)) == {made[bob]}


async def test_a_stream_goes_on_where_it_was(services: ControlServices, operator: Api, address: str) -> None:
    key = first_key(services)
    async with following(address, key) as first:
        await make_key(operator, name="one")
        await first.until(1)
        last = first.events[-1].id
    await make_key(operator, name="two")
    await make_key(operator, name="three")
    async with following(address, key, headers={"last-event-id": last}) as second:
        assert [each["data"]["name"] for each in await second.until(2)] == ["two", "three"]
    async with following(address, key, params={"after": last, "types": "user.*"}) as other:
        await make_user(operator)
        assert [each["type"] for each in await other.until(1)] == ["user.created"]


async def test_it_ends_within_a_second_of_the_session(services: ControlServices, operator: Api, address: str) -> None:
    user = await make_user(operator, email="ada@example.com")
    link = await operator.data("POST", "/api/v1/auth/links", {"user_id": user})
    async with httpx2.AsyncClient(base_url=address, trust_env=False) as http:
        token = link["path"].partition("#")[2]
        used = await http.post("/api/v1/auth/links/use", json={"token": token, "password": PASSWORD})
        assert used.is_success, used.text
        cookie = "; ".join(f"{name}={value}" for name, value in http.cookies.items())
    async with following(address, headers={"cookie": cookie}) as stream:
        await make_key(operator, user_id=user)
        await stream.until(1)
        assert not stream.ended.is_set()
        await operator.data("PATCH", f"/api/v1/users/{user}", {"is_active": False})
        began = time.monotonic()
        await asyncio.wait_for(stream.ended.wait(), 10)
        assert time.monotonic() - began < 1.5  # 1 s, and what a busy machine takes


async def test_it_ends_with_the_key_and_follows_a_change_of_role(
    services: ControlServices, operator: Api, address: str
) -> None:
    user = await make_user(operator, "admin")
    key = await make_key(operator, user_id=user, scopes=["admin"])
    await asyncio.sleep(0.8)  # what happened until now is handed out
    async with following(address, key["key"]) as stream:
        await make_user(operator)
        await stream.until(1)
        await operator.data("PATCH", f"/api/v1/users/{user}", {"role": "user"})
        await stream.until(2)  # of oneself
        await asyncio.sleep(0.6)
        await make_user(operator)
        await make_key(operator, user_id=user, name="own")
        assert [each["type"] for each in await stream.until(3)][2:] == ["key.created"]
        await operator.data("DELETE", f"/api/v1/keys/{key['id']}")
        await asyncio.wait_for(stream.ended.wait(), 10)


async def test_heartbeats_keep_it_open(
    services: ControlServices, operator: Api, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "HEARTBEAT_S", 0.1)
    async with following(address, first_key(services)) as stream:
        async with asyncio.timeout(10):
            while stream.raw.count(b"\n: \n") < 2:
                await asyncio.sleep(0.02)


async def test_as_many_as_may_and_no_more(embedded: ControlServices) -> None:
    streams = embedded.streams
    streams._most = 1  # pyright: ignore[reportPrivateUsage]
    key = first_key(embedded)
    async with api(embedded, key) as caller:
        with streams.entered():
            refused = await caller.get(EVENTS)
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "UNAVAILABLE")
        assert streams.count == 0
        assert (await caller.get(EVENTS, params={"types": "nothing"})).status_code == 400
        assert (await caller.get(EVENTS, headers={"last-event-id": "x"})).status_code == 400
    async with api(embedded, "tp-" + "x" * 43) as stranger:
        assert (await stranger.get(EVENTS)).status_code == 401
