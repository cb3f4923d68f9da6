"""A change of a role or a department, and the end of a session, is at work everywhere within a second: at the control
process where it was made, at another one on the same database, and at the relays of both."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.control import Api, FakeRelay, api, make_key, make_user, running_control
from tests.support.people import browser, make_account, sign_in
from turnpike.contract.scopes import SCOPE_BIT
from turnpike.control.contract_server import ContractServer
from turnpike.control.services import ControlServices
from turnpike.settings import Settings

USERS = "/api/v1/users"
SOON_S = 1.0


@asynccontextmanager
async def _relay_of(services: ControlServices, socket: Path) -> AsyncIterator[FakeRelay]:
    callers = services.signin.callers
    server = ContractServer(socket, services.keeper, services.metrics, services.health.report, callers=callers)
    await server.start()
    relay = await FakeRelay.connect(socket)
    try:
        yield relay
    finally:
        await relay.close()
        await server.stop()


@pytest.fixture
async def elsewhere(services: ControlServices, settings: Settings) -> AsyncIterator[ControlServices]:
    async with running_control(settings) as running:
        yield running


async def _soon(what: str, check: Callable[[], Awaitable[bool]]) -> None:
    started = time.monotonic()
    while not await check():
        assert time.monotonic() - started < SOON_S, what
        await asyncio.sleep(0.02)


async def _everywhere(
    services: ControlServices, elsewhere: ControlServices, key: str, change: Callable[[], Awaitable[Any]],
    holds: Callable[[Api], Awaitable[bool]],
) -> None:  # fmt: skip
    """`holds` is false at both before the change and true at both within a second of it."""
    async with api(services, key) as here, api(elsewhere, key) as there:
        for caller in (here, there):
            assert not await holds(caller)
        await change()
        for name, caller in (("here", here), ("there", there)):
            await _soon(name, lambda caller=caller: holds(caller))


async def test_a_role_taken_away(
    operator: Api, services: ControlServices, elsewhere: ControlServices, tmp_path: Path
) -> None:
    user = await make_user(operator, "admin")
    made = await make_key(operator, user_id=user, scopes=["admin", "inference:text"])

    async def refused(caller: Api) -> bool:
        return (await caller.get(USERS)).status_code == 403

    async def change() -> None:
        await operator.data("PATCH", f"{USERS}/{user}", {"role": "user"})

    async with _relay_of(services, tmp_path / "a") as near, _relay_of(elsewhere, tmp_path / "b") as far:
        for relay in (near, far):
            granted = (await relay.resolve(made["key"])).grant
            assert granted is not None
            assert granted.scopes & SCOPE_BIT["admin"]
        await _everywhere(services, elsewhere, made["key"], change, refused)
        for relay in (near, far):
            assert await relay.until(lambda relay: relay.forgotten(made["id"]), timeout_s=SOON_S)
            granted = (await relay.resolve(made["key"])).grant
            assert granted is not None
            assert (granted.role, granted.scopes) == ("user", SCOPE_BIT["inference:text"])


async def test_a_role_changed_for_all_who_have_it(
    operator: Api, services: ControlServices, elsewhere: ControlServices
) -> None:
    path = "/api/v1/roles/clerk"
    await operator.data("PUT", path, {"permissions": {"view_users": "all_data"}})
    made = await make_key(operator, user_id=await make_user(operator, "clerk"), role="clerk", scopes=[])

    async def refused(caller: Api) -> bool:
        return (await caller.get(USERS)).status_code == 403

    async def change() -> None:
        await operator.data("PUT", path, {"permissions": {"view_keys": "all_data"}})

    await _everywhere(services, elsewhere, made["key"], change, refused)


async def test_a_department_changed(
    operator: Api, services: ControlServices, elsewhere: ControlServices, tmp_path: Path
) -> None:
    first, second = [
        (await operator.data("POST", "/api/v1/departments", {"name": name}))["id"] for name in ("first", "second")
    ]
    lead = await make_user(operator, "department_admin", department_id=first)
    member = await make_user(operator, department_id=second)
    made = await make_key(operator, user_id=lead, role="department_admin", scopes=[])

    async def sees_the_others(caller: Api) -> bool:
        return {row["id"] for row in await caller.data("GET", USERS)} == {lead, member}

    async def change() -> None:
        await operator.data("PATCH", f"{USERS}/{lead}", {"department_id": second})

    async with _relay_of(services, tmp_path / "a") as near, _relay_of(elsewhere, tmp_path / "b") as far:
        for relay in (near, far):
            granted = (await relay.resolve(made["key"])).grant
            assert granted is not None
            assert granted.department_id == first
        await _everywhere(services, elsewhere, made["key"], change, sees_the_others)
        for relay in (near, far):
            assert await relay.until(lambda relay: relay.forgotten(made["id"]), timeout_s=SOON_S)
            granted = (await relay.resolve(made["key"])).grant
            assert granted is not None
            assert granted.department_id == second


@pytest.mark.usefixtures("cheap_hashes")
async def test_a_session_ended(
    operator: Api, services: ControlServices, elsewhere: ControlServices, tmp_path: Path
) -> None:
    await make_account(operator, services, "ada@example.com")
    async with browser(services) as person:
        view = await sign_in(person, "ada@example.com", "token")
    token, session_id = view["access_token"], view["session_id"]

    async def over(caller: Api) -> bool:
        return (await caller.get("/api/v1/auth/me")).status_code == 401

    async def end() -> None:
        await operator.data("DELETE", f"/api/v1/auth/sessions/{session_id}")

    async with _relay_of(services, tmp_path / "a") as near, _relay_of(elsewhere, tmp_path / "b") as far:
        for relay in (near, far):
            assert (await relay.resolve(token)).grant is not None
        await _everywhere(services, elsewhere, token, end, over)
        for relay in (near, far):
            assert await relay.until(lambda relay: relay.forgotten(session_id), timeout_s=SOON_S)
            assert (await relay.resolve(token)).grant is None
