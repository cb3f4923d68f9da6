"""Limits hold exactly over many relays, machines and truths: real processes, real databases, a real Redis."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from cryptography.fernet import Fernet

from tests.support.databases import PostgresServer
from tests.support.installation import Installation, add_models, chat, installation, until
from tests.support.offers import Offered, most_in_a_window, offer, statuses, window_begins
from tests.support.redis import RedisServer, redis_server
from tests.support.simulator import RunningSimulator
from turnpike.kit.crypto import random_text

__all__ = ["redis_server"]
pytestmark = pytest.mark.xdist_group("limits")

WINDOW_S = 3
AMOUNT = 240
WINDOWS = 3


def new_key(made: Installation, name: str, **key: Any) -> dict[str, Any]:
    return made.running.api("POST", "/keys", {"name": name, **key})


def set_limit(made: Installation, subject: str, name: str, **rule: Any) -> dict[str, Any]:
    return made.running.api("PUT", "/limits", {"subject": subject, "name": name, **rule})


def limited_key(made: Installation, name: str, **rule: Any) -> dict[str, Any]:
    key = new_key(made, name)
    set_limit(made, "key", key["id"], **{"amount": AMOUNT, "window_s": WINDOW_S, **rule})
    return key


async def offer_twice_as_much(urls: list[str], key: str) -> list[Offered]:
    """From the begin of a window to the end of the last one."""
    await window_begins(WINDOW_S)
    rate = 2 * AMOUNT / WINDOW_S
    return await offer(urls, key, "m", rate=rate, seconds=WINDOWS * WINDOW_S - 0.3)


def assert_exact(done: list[Offered]) -> None:
    counts = statuses(done)
    assert set(counts) == {200, 429}, counts
    assert most_in_a_window(done, WINDOW_S) <= AMOUNT
    # What waits when the last window ends may be answered in the next one.
    last = min(each.sent for each in done) // WINDOW_S + WINDOWS - 1
    late = sum(each.status == 200 and each.answered // WINDOW_S > last for each in done)
    assert counts[200] - late <= WINDOWS * AMOUNT
    assert counts[200] >= 0.98 * WINDOWS * AMOUNT, counts


def test_four_relays_on_sqlite_are_exact(tmp_path: Path, upstream: RunningSimulator) -> None:
    with installation(tmp_path / "one", upstream, relays=4) as made:
        add_models(made.running, {"m": "simulator"})
        key = limited_key(made, "many relays")
        assert_exact(asyncio.run(offer_twice_as_much([made.gateway.url], key["key"])))


@contextmanager
def two_machines(
    folder: Path, upstream: RunningSimulator, postgres: PostgresServer, redis: RedisServer, truth: str
) -> Iterator[tuple[Installation, Installation]]:
    """Two gateways of two relays each on one PostgreSQL, whose limits are counted in `truth`."""
    name = postgres.create()
    env = {
        "TURNPIKE_DATABASE_URL": postgres.address(name),
        "TURNPIKE_SECRET_KEYS": Fernet.generate_key().decode(),
        "TURNPIKE_KEY_PEPPER": random_text(384),
        "TURNPIKE_LEASES": truth,
        "TURNPIKE_REDIS_URL": f"unix://{redis.socket}",
    }
    with ExitStack() as stack:
        stack.callback(postgres.drop, name)
        one = stack.enter_context(installation(folder / "one", upstream, relays=2, env=env))
        two = stack.enter_context(installation(folder / "two", upstream, relays=2, env=env, admin_key=one.admin_key))
        add_models(one.running, {"m": "simulator"})
        two.running.wait_for_model("m")
        yield one, two


@pytest.mark.postgres
def test_two_machines_with_redis_are_exact(
    tmp_path: Path, upstream: RunningSimulator, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    with two_machines(tmp_path, upstream, postgres, redis_server, "redis") as (one, two):
        key = limited_key(one, "two machines")
        urls = [one.gateway.url, two.gateway.url]
        assert_exact(asyncio.run(offer_twice_as_much(urls, key["key"])))
        assert_a_reset_is_felt_at_both(one, two)


@pytest.mark.postgres
def test_a_thousand_requests_in_a_whole_minute_over_four_relays_of_two_machines_and_never_one_more(
    tmp_path: Path, upstream: RunningSimulator, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    with two_machines(tmp_path, upstream, postgres, redis_server, "database") as (one, two):
        key = limited_key(one, "a minute", amount=1000, window_s=60, burst=0)
        urls = [one.gateway.url, two.gateway.url]
        assert_a_reset_is_felt_at_both(one, two)

        async def twice_as_much() -> list[Offered]:
            await window_begins(60)
            return await offer(urls, key["key"], "m", rate=2000 / 60, seconds=59.5)

        done = asyncio.run(twice_as_much())
        counts = statuses(done)
        assert set(counts) == {200, 429}, counts
        assert sum(counts.values()) >= 1900, "twice as much was offered"
        minute = min(each.sent for each in done) // 60
        admitted = sum(each.status == 200 and each.answered // 60 == minute for each in done)
        assert 980 <= admitted <= 1000, counts
        until(lambda: chat(two.gateway.url, key["key"], "m").status_code == 200, "the next minute is a new one")


def assert_a_reset_is_felt_at_both(one: Installation, two: Installation) -> None:
    key = limited_key(one, "reset", amount=2, window_s=600)
    for made in (one, two):
        assert chat(made.gateway.url, key["key"], "m").status_code == 200
    for made in (one, two):
        assert chat(made.gateway.url, key["key"], "m").status_code == 429
    one.running.api("POST", "/limits/reset", {"subject": "key", "name": key["id"]})
    spent_s = until(lambda: chat(two.gateway.url, key["key"], "m").status_code == 200, "the other one has heard of it")
    assert spent_s < 5


def test_the_seats_of_a_relay_that_was_killed_come_free(tmp_path: Path, upstream: RunningSimulator) -> None:
    with installation(tmp_path / "one", upstream, relays=2) as made:
        add_models(made.running, {"m": "simulator", "slow": "sim/latency=20s"})
        key = limited_key(made, "seats", resource="concurrency", amount=2, window_s=None)

        async def kill_with_both_taken() -> None:
            url = f"{made.gateway.url}/v1/chat/completions"
            headers = {"authorization": f"Bearer {key['key']}"}
            body = {"model": "slow", "messages": [{"role": "user", "content": "Hello!"}]}
            async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
                calls = [asyncio.create_task(client.post(url, json=body, headers=headers)) for _ in range(2)]
                await asyncio.sleep(1)
                third = await client.post(url, json={**body, "model": "m"}, headers=headers)
                assert third.status_code == 429, third.text
                assert "2 requests at once" in third.text
                for pid in made.children("relay"):
                    os.kill(pid, signal.SIGKILL)
                await asyncio.gather(*calls, return_exceptions=True)

        asyncio.run(kill_with_both_taken())
        until(lambda: _answered(made, key["key"]), "the seats are free", 20)


def _answered(made: Installation, key: str) -> bool:
    try:
        return chat(made.gateway.url, key, "m").status_code == 200
    except httpx2.TransportError:
        return False


def test_a_relay_that_was_paused_uses_nothing_of_a_window_that_is_over(
    tmp_path: Path, upstream: RunningSimulator
) -> None:
    with installation(tmp_path / "one", upstream, relays=2) as made:
        add_models(made.running, {"m": "simulator"})
        key = limited_key(made, "paused")

        async def pause_one() -> list[Offered]:
            await window_begins(WINDOW_S)
            load = asyncio.create_task(
                offer([made.gateway.url], key["key"], "m", rate=2 * AMOUNT / WINDOW_S, seconds=WINDOWS * WINDOW_S - 0.3)
            )
            await asyncio.sleep(0.5)
            paused = made.children("relay")[0]
            os.kill(paused, signal.SIGSTOP)
            await asyncio.sleep(WINDOW_S)
            os.kill(paused, signal.SIGCONT)
            return await load

        done = asyncio.run(pause_one())
        counts = statuses(done)
        assert set(counts) == {200, 429}, counts
        assert most_in_a_window(done, WINDOW_S) <= AMOUNT
        assert counts[200] <= WINDOWS * AMOUNT
        assert counts[200] > AMOUNT
