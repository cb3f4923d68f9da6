"""Tokens kept ready: renewed before they end, asked for again after a failure, and the old one used until its end."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import pytest

from turnpike.control.outbound import Answer
from turnpike.control.tokens import minter as minter_module
from turnpike.control.tokens.minter import Minter, Wanted, renew_in_s
from turnpike.errors import UpstreamUnreachable
from turnpike.wire.credentials import EntraApplication, MetadataServer, TokenSources
from turnpike.wire.vendor import AuthSpec

AUTH = AuthSpec(kind="entra", scope="s", token_url="https://login.example/{tenant_id}/token")
APPLICATION = EntraApplication("tenant", "client", "a-long-lived-client-secret-0123456789")


class Endpoint:
    """Stands for control's way out: answers from a list, the last one for ever."""

    def __init__(self, *answers: tuple[int, Mapping[str, Any]] | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, str, bytes, dict[str, str]]] = []

    async def send(self, method: str, url: str, *, headers: Mapping[str, str], body: bytes, **_: Any) -> Answer:
        self.asked.append((method, url, body, dict(headers)))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer[0], json.dumps(answer[1]).encode(), 1)

    async def ask_metadata(self, url: str, headers: Mapping[str, str]) -> Answer:
        return await self.send("GET", url, headers=headers, body=b"")


def token(name: str, life_s: float = 3600) -> tuple[int, dict[str, Any]]:
    return 200, {"access_token": name, "expires_in": life_s}


def wanted(source: TokenSources = APPLICATION) -> Wanted:
    return Wanted("c1", "azure", source, AUTH, (), None)


async def until(check: Any, timeout_s: float = 3.0) -> None:
    async with asyncio.timeout(timeout_s):
        while not check():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minter_module, "FIRST_PAUSE_S", 0.05)


async def test_a_token_is_got_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint(token("one"))
    minter = Minter(endpoint)  # pyright: ignore[reportArgumentType]
    told: list[str] = []
    minter.on_change(told.append)
    minter.keep(wanted())
    await minter.settled("c1")
    assert minter.current("c1") == ("one", "")
    assert (told, minter.check()) == (["c1"], "ok")
    method, url, body, _ = endpoint.asked[0]
    assert (method, url) == ("POST", "https://login.example/tenant/token")
    assert b"grant_type=client_credentials" in body
    minter.keep(wanted())
    assert len(endpoint.asked) == 1, "the same credential is not asked for twice"
    await minter.stop()


async def test_it_is_renewed_before_it_ends() -> None:
    minter = Minter(Endpoint(token("one", 0.6), token("two")))  # pyright: ignore[reportArgumentType]
    minter.keep(wanted())
    seen: set[str | None] = set()
    await minter.settled("c1")

    def renewed() -> bool:
        seen.add(minter.current("c1")[0])
        return "two" in seen

    await until(renewed)
    assert seen == {"one", "two"}, "there was a token at every moment"
    await minter.stop()


async def test_a_failure_is_told_and_the_next_attempt_mends_it() -> None:
    refused = (400, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret."})
    for failure in (UpstreamUnreachable("away"), (503, {}), (200, {"no": "token"})):
        minter = Minter(Endpoint(failure, token("one")))  # pyright: ignore[reportArgumentType]
        minter.keep(wanted())
        await minter.settled("c1")
        value, fault = minter.current("c1")
        assert value is None
        assert fault
        assert minter.check() == f"azure: {fault}"
        await until(lambda minter=minter: minter.current("c1")[0] == "one")
        assert minter.check() == "ok"
        await minter.stop()
    minter = Minter(Endpoint(refused))  # pyright: ignore[reportArgumentType]
    minter.keep(wanted())
    await minter.settled("c1")
    assert "Invalid client secret" in minter.current("c1")[1]
    assert APPLICATION.client_secret not in minter.current("c1")[1]
    await minter.stop()


async def test_while_renewal_fails_the_old_token_is_used_to_its_end_and_no_longer() -> None:
    minter = Minter(Endpoint(token("one", 0.8), (503, {})))  # pyright: ignore[reportArgumentType]
    told: list[float] = []
    minter.on_change(lambda _: told.append(time.time()))
    started = time.time()
    minter.keep(wanted())
    await minter.settled("c1")
    await until(lambda: minter.check() != "ok")
    assert minter.current("c1")[0] == "one"
    await until(lambda: minter.current("c1")[0] is None)
    assert time.time() - started >= 0.75
    await until(lambda: len(told) == 2)
    await minter.stop()


async def test_the_machines_own_account_is_asked_of_the_metadata_service() -> None:
    endpoint = Endpoint(token("machine"))
    minter = Minter(endpoint)  # pyright: ignore[reportArgumentType]
    minter.keep(wanted(MetadataServer()))
    await minter.settled("c1")
    assert minter.current("c1")[0] == "machine"
    _, url, _, headers = endpoint.asked[0]
    assert url.startswith("http://169.254.169.254/computeMetadata/v1/instance/service-accounts/default/token?")
    assert headers["metadata-flavor"] == "Google"
    await minter.stop()


@pytest.mark.parametrize(("life_s", "wait_s"), [(3600, 3300), (600, 300), (60, 30), (0, 0.2)])
def test_it_is_renewed_in_good_time(life_s: float, wait_s: float) -> None:
    assert renew_in_s(life_s) == wait_s
