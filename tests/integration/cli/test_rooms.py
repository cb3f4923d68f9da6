"""`turnpike flags`, `sessions` and `webhooks replay`, each with --json, on a folder without a server in which there is
something to see."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from tests.support.control import api, make_key, running_control, unused_port
from tests.support.databases import test_settings
from tests.support.people import AUTH, browser, make_account, sign_in
from tests.support.receiving import Delivering, allowing
from turnpike.cli.app import run
from turnpike.control.signin import passwords

Turnpike = Callable[..., Any]
EMAIL = "ada@example.com"


@pytest.fixture
def turnpike(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Turnpike:
    """Runs a command with --json and returns what it says; fails the test unless the exit code is as wanted."""
    monkeypatch.chdir(folder.parent)
    monkeypatch.setattr(passwords, "Argon2Hasher", partial(Argon2Hasher, time_cost=1, memory_cost=64))

    def call(*words: str, code: int = 0) -> Any:
        capsys.readouterr()  # what the test's own control logged
        assert run([*words, "--data-dir", str(folder), "--json"]) == code, capsys.readouterr()
        said = capsys.readouterr()
        return json.loads(said.out or said.err)

    return call


# ---- flags


def test_flags_are_set_listed_and_taken_away(turnpike: Turnpike) -> None:
    department = turnpike("departments", "add", "Research")["id"]
    made = turnpike("flags", "set", "new-chat", "false", "--description", "The new page")
    assert (made["name"], made["kind"], made["default"], made["rules"]) == ("new-chat", "boolean", False, [])
    ruled = turnpike("flags", "set", "new-chat", "true", "--department", "Research", "--percentage", "25")
    (rule,) = ruled["rules"]
    assert (rule["departments"], rule["percentage"], rule["value"], ruled["default"]) == ([department], 25, True, False)
    both = turnpike("flags", "set", "new-chat", "true", "--role", "admin")
    assert [each["roles"] for each in both["rules"]] == [["admin"], []], "the newest goes first"
    off = turnpike("flags", "set", "new-chat", "true", "--clear-rules", "--no-active")
    assert (off["default"], off["rules"], off["is_active"], off["description"]) == (True, [], False, "The new page")
    for text, kind, value in (("10", "number", 10), ("blue", "string", "blue"), ('{"a": 1}', "json", {"a": 1})):
        made = turnpike("flags", "set", f"a-{kind}", text)
        assert (made["kind"], made["default"]) == (kind, value)
    listed = turnpike("flags", "list")
    assert [(row["name"], row["is_active"]) for row in listed] == [
        ("a-json", True), ("a-number", True), ("a-string", True), ("new-chat", False),
    ]  # fmt: skip
    assert turnpike("flags", "set", "no-flag", "true", "--role", "user", code=1)["error"]["code"] == "INVALID_REQUEST"
    unknown = turnpike("flags", "set", "new-chat", "true", "--department", "Nowhere", code=1)
    assert unknown["error"]["code"] == "NOT_FOUND"
    assert turnpike("flags", "set", "new-chat", "10", code=1)["error"]["code"] == "INVALID_REQUEST", "another kind"
    turnpike("flags", "remove", "new-chat")
    assert {row["name"] for row in turnpike("flags", "list")} == {"a-json", "a-number", "a-string"}


# ---- sessions


async def signed_in(folder: Path, times: int) -> list[str]:
    """Somebody signs in so many times, by tokens; returns the refresh tokens."""
    async with running_control(test_settings(folder)) as services, api(services) as operator:
        await make_account(operator, services, EMAIL)
        tokens: list[str] = []
        for _ in range(times):
            async with browser(services) as person:
                tokens.append((await sign_in(person, EMAIL, "token"))["refresh_token"])
        return tokens


async def goes_on(folder: Path, refresh_token: str) -> bool:
    async with running_control(test_settings(folder)) as services, browser(services) as person:
        return (await person.post(f"{AUTH}/refresh", {"refresh_token": refresh_token})).is_success


def test_live_sessions_are_listed_and_ended(turnpike: Turnpike, folder: Path) -> None:
    tokens = asyncio.run(signed_in(folder, 3))
    listed = turnpike("sessions", "list", "--user", EMAIL)
    local = [row for row in listed if row["method"] == "local"]
    assert [(row["kind"], row["status"]) for row in local] == [("token", "active")] * 3
    newest = max(local, key=lambda row: row["created_at"])["id"]
    assert turnpike("sessions", "revoke", newest) == {"ended": 1}
    assert newest not in {row["id"] for row in turnpike("sessions", "list")}
    (ended,) = [row for row in turnpike("sessions", "list", "--all") if row["id"] == newest]
    assert ended["status"] == "ended"
    assert [asyncio.run(goes_on(folder, token)) for token in tokens] == [True, True, False]
    left = len(turnpike("sessions", "list", "--user", EMAIL))
    assert turnpike("sessions", "revoke", "--user", EMAIL) == {"ended": left}
    assert turnpike("sessions", "list") == []
    assert not asyncio.run(goes_on(folder, tokens[0]))


# ---- webhooks


async def undelivered(folder: Path, url: str, count: int) -> None:
    """So many events that nobody was there for: dead letters."""
    settings = allowing(test_settings(folder), webhook_attempts=1)
    async with running_control(settings) as services, api(services) as operator:
        await operator.data("POST", "/api/v1/webhooks", {"url": url, "event_types": ["key.created"]})
        for _ in range(count):
            await make_key(operator)
        assert await Delivering(services).turn() == count


def test_the_dead_letters_of_a_webhook_are_sent_again(turnpike: Turnpike, folder: Path) -> None:
    url = f"http://127.0.0.1:{unused_port()}/hook"
    asyncio.run(undelivered(folder, url, 2))
    dead = turnpike("webhooks", "deliveries", url)
    assert [row["status"] for row in dead] == ["dead"] * 2
    assert turnpike("webhooks", "replay", "--webhook", url, "--since", "2999-01-01") == {"replayed": 0}
    assert turnpike("webhooks", "replay", dead[0]["id"])["event_type"] == "key.created"
    assert turnpike("webhooks", "replay", "--webhook", url, "--since", "24h") == {"replayed": 1}
    assert [row["status"] for row in turnpike("webhooks", "deliveries", url)] == ["pending"] * 2
    assert turnpike("webhooks", "replay", "--webhook", url) == {"replayed": 0}, "none is dead by now"
    assert turnpike("webhooks", "replay", "--webhook", "https://nowhere.example.com", code=1)["error"]["code"] == (
        "NOT_FOUND"
    )
    assert turnpike("webhooks", "replay", code=1)["error"]["code"] == "INVALID_REQUEST"
