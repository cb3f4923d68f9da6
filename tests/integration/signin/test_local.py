"""Local accounts: passwords, one-time links, throttling; and that a refusal tells nothing."""

from typing import Any
from unittest.mock import patch

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import update

from tests.support.control import Api, api, make_user, running_control
from tests.support.people import AUTH, PASSWORD, browser, make_account, sign_in
from turnpike.control.db.models import EntryLink, SignInThrottle
from turnpike.control.services import ControlServices
from turnpike.control.signin import passwords, throttle
from turnpike.control.signin.passwords import Passwords
from turnpike.errors import InvalidRequest
from turnpike.settings import Settings

EMAIL = "ada@example.com"
NEW = "copper-lagoon-thimble-9"


async def attempt(client: Api, email: str, password: str, **options: Any) -> int:
    return (await client.post(f"{AUTH}/login", {"email": email, "password": password}, **options)).status_code


async def first_link(operator: Api) -> str:
    return (await operator.data("POST", f"{AUTH}/links"))["path"].partition("#")[2]


async def test_the_first_administrator_comes_in_by_a_one_time_link(services: ControlServices, operator: Api) -> None:
    token = await first_link(operator)
    async with browser(services) as person:
        assert "links/use" in (await person.get("/welcome")).text
        without = await person.post(f"{AUTH}/links/use", {"token": token, "password": PASSWORD})
        assert (without.status_code, without.json()["error"]["details"]["param"]) == (400, "email")
        weak = await person.post(f"{AUTH}/links/use", {"token": token, "password": "password1234", "email": EMAIL})
        assert (weak.status_code, weak.json()["error"]["details"]["param"]) == (400, "password")
        body = {"token": token, "password": PASSWORD, "email": EMAIL, "display_name": "Ada"}
        await person.data("POST", f"{AUTH}/links/use", body)
        me = await person.data("GET", f"{AUTH}/me")
        assert (me["role"], me["email"], me["display_name"]) == ("super_admin", EMAIL, "Ada")
        assert (await person.post(f"{AUTH}/links/use", body)).status_code == 401, "once"
        assert await attempt(person, EMAIL, PASSWORD) == 200


async def test_a_link_ends_with_time_and_with_the_next_one(services: ControlServices, operator: Api) -> None:
    first, second = await first_link(operator), await first_link(operator)
    async with browser(services) as person:
        body = {"password": PASSWORD, "email": EMAIL}
        assert (await person.post(f"{AUTH}/links/use", {"token": first, **body})).status_code == 401
        async with services.database.write() as session:
            await session.execute(update(EntryLink).values(expires_at_ms=1))
        assert (await person.post(f"{AUTH}/links/use", {"token": second, **body})).status_code == 401


async def test_links_are_for_administrators_to_make(services: ControlServices, operator: Api) -> None:
    user = await make_account(operator, services, EMAIL)
    async with browser(services) as person:
        await sign_in(person, EMAIL)
        assert (await person.post(f"{AUTH}/links", {"user_id": user})).status_code == 403


async def test_a_reset_ends_the_old_password_and_its_sessions(services: ControlServices, operator: Api) -> None:
    user = await make_account(operator, services, EMAIL)
    link = await operator.data("POST", f"{AUTH}/links", {"user_id": user})
    async with browser(services) as person, browser(services) as elsewhere:
        await sign_in(elsewhere, EMAIL)
        await person.data("POST", f"{AUTH}/links/use", {"token": link["path"].partition("#")[2], "password": NEW})
        assert (await elsewhere.get(f"{AUTH}/me")).status_code == 401
        assert await attempt(person, EMAIL, PASSWORD) == 401
        assert await attempt(person, EMAIL, NEW) == 200


async def test_changing_a_password_takes_the_old_one_and_ends_other_sessions(
    services: ControlServices, operator: Api
) -> None:
    await make_account(operator, services, EMAIL)
    async with browser(services) as person, browser(services) as elsewhere:
        await sign_in(elsewhere, EMAIL)
        await sign_in(person, EMAIL)
        wrong = {"current_password": "not-it-at-all", "new_password": NEW}
        assert (await person.post(f"{AUTH}/password", wrong)).status_code == 401
        weak = {"current_password": PASSWORD, "new_password": "ada@example.com1"}
        assert (await person.post(f"{AUTH}/password", weak)).status_code == 400
        assert (
            await person.post(f"{AUTH}/password", {"current_password": PASSWORD, "new_password": NEW})
        ).status_code == 200
        assert (await person.get(f"{AUTH}/me")).status_code == 200
        assert (await elsewhere.get(f"{AUTH}/me")).status_code == 401
        assert await attempt(elsewhere, EMAIL, NEW) == 200


async def test_a_refused_login_tells_nothing_and_hashes_all_the_same(services: ControlServices, operator: Api) -> None:
    user = await make_account(operator, services, EMAIL)
    await make_user(operator, email="nopassword@example.com")
    inactive = await make_account(operator, services, "gone@example.com")
    await operator.data("PATCH", f"/api/v1/users/{inactive}", {"is_active": False})
    hasher = services.signin.passwords._hasher
    seen: list[str] = []
    async with browser(services) as person:
        with patch.object(hasher, "verify_and_update", wraps=hasher.verify_and_update) as verify:
            for email in (EMAIL, "nobody@example.com", "nopassword@example.com", "gone@example.com"):
                answer = await person.post(f"{AUTH}/login", {"email": email, "password": "wrong-" + PASSWORD})
                assert answer.status_code == 401
                seen.append(answer.json()["message"])
            assert verify.call_count == 4
            others = [call.args[1] for call in verify.call_args_list[1:]]
    assert len(set(seen)) == 1
    assert others == [passwords._NOBODYS] * 3
    assert user not in "".join(person.answers)


@pytest.fixture
def long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine must not outwait the throttle."""
    monkeypatch.setattr(throttle, "FIRST_WAIT_MS", 600_000)


@pytest.mark.usefixtures("long_waits")
async def test_guessing_is_slowed_down_by_account(services: ControlServices, operator: Api) -> None:
    await make_account(operator, services, EMAIL)
    async with browser(services) as person:
        for email in (EMAIL, "nobody@example.com"):
            codes = [await attempt(person, email, f"wrong {number} {PASSWORD}") for number in range(6)]
            assert codes == [401] * 5 + [429]
        refused = await person.post(f"{AUTH}/login", {"email": EMAIL, "password": PASSWORD})
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        async with services.database.write() as session:
            await session.execute(update(SignInThrottle).values(blocked_until_ms=0))
        assert await attempt(person, EMAIL, PASSWORD) == 200
        assert await attempt(person, EMAIL, "wrong") == 401, "success starts the count afresh"


@pytest.mark.usefixtures("long_waits")
async def test_guessing_is_slowed_down_by_address(settings: Settings) -> None:
    few = settings.model_copy(update={"sign_in_attempts": 1})
    async with running_control(few) as services, browser(services) as person:
        here = {"headers": {"x-forwarded-for": "2001:db8:1:2::5"}}
        for number in range(6):
            assert await attempt(person, f"u{number}@example.com", "wrong", **here) == 401
        same_network = {"headers": {"x-forwarded-for": "2001:db8:1:2::77"}}
        assert await attempt(person, "u9@example.com", "wrong", **same_network) == 429
        elsewhere = {"headers": {"x-forwarded-for": "2001:db8:1:3::5"}}
        assert await attempt(person, "u9@example.com", "wrong", **elsewhere) == 401


async def test_local_accounts_can_be_switched_off(settings: Settings) -> None:
    async with running_control(settings) as services, api(services) as operator:
        await make_account(operator, services, EMAIL)
    without = settings.model_copy(update={"local_accounts": False})
    async with running_control(without) as services, browser(services) as person, api(services) as operator:
        assert await attempt(person, EMAIL, PASSWORD) == 403
        assert not (await person.data("GET", f"{AUTH}/methods"))["local_accounts"]
        token = await first_link(operator)
        await person.data("POST", f"{AUTH}/links/use", {"token": token})
        assert (await person.data("GET", f"{AUTH}/me"))["role"] == "super_admin"


@pytest.mark.parametrize(
    "password", ["short-1A", "password123456", "qwertyuiop1234", "ada.lovelace.ada", "aaaaaaaaaaaaaaaa", "turnpike2026"]
)
def test_weak_passwords_are_refused_with_a_reason(tmp_path: Any, password: str) -> None:
    checked = Passwords(Settings(_env_file=None, data_dir=tmp_path))  # pyright: ignore[reportCallIssue]
    with pytest.raises(InvalidRequest, match="password: "):
        checked.check(password, "ada.lovelace@example.com", "Ada Lovelace")
    checked.check(PASSWORD, "ada.lovelace@example.com")
    checked.check("correct horse battery staple, twelve" * 5)


async def test_the_hash_for_nobody_costs_what_others_do(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "Argon2Hasher", Argon2Hasher)
    made = await Passwords(Settings(_env_file=None, data_dir=tmp_path)).hash(PASSWORD)  # pyright: ignore[reportCallIssue]
    assert made.split("$")[:4] == passwords._NOBODYS.split("$")[:4]
