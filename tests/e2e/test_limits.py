"""Limits hold exactly over many relays, machines and truths: real processes, real databases, a real Redis."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
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


@pytest.mark.postgres
@pytest.mark.parametrize("truth", ["database", "redis"])
def test_two_machines_are_exact(
    truth: str, tmp_path: Path, upstream: RunningSimulator, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    name = postgres.create()
    env = {
        "TURNPIKE_DATABASE_URL": postgres.address(name),
        "TURNPIKE_SECRET_KEYS": Fernet.generate_key().decode(),
        "TURNPIKE_KEY_PEPPER": random_text(384),
        "TURNPIKE_LEASES": truth,
        "TURNPIKE_REDIS_URL": f"unix://{redis_server.socket}",
    }
    with ExitStack() as stack:
        stack.callback(postgres.drop, name)
        one = stack.enter_context(installation(tmp_path / "one", upstream, relays=2, env=env))
        two = stack.enter_context(installation(tmp_path / "two", upstream, relays=2, env=env, admin_key=one.admin_key))
        add_models(one.running, {"m": "simulator"})
        two.running.wait_for_model("m")
        key = limited_key(one, "two machines")
        urls = [one.gateway.url, two.gateway.url]
        assert_exact(asyncio.run(offer_twice_as_much(urls, key["key"])))
        assert_a_reset_is_felt_at_both(one, two)


def assert_a_reset_is_felt_at_both(one: Installation, two: Installation) -> None:
    key = limited_key(one, "reset", amount=2, window_s=600)
    for made in (one, two):
        assert chat(made.gateway.url, key["key"], "m").status_code == 200
    for made in (one, two):
        assert chat(made.gateway.url, key["key"], "m").status_code == 429
    one.running.api("POST", "/limits/reset", {"subject": "key", "name": key["id"]})
    spent_s = until(lambda: chat(two.gateway.url, key["key"], "m").status_code == 200, "the other one has heard of it")
    assert spent_s < 5


@pytest.fixture
def on_redis(tmp_path: Path, upstream: RunningSimulator, redis_server: RedisServer) -> Iterator[Installation]:
    env = {"TURNPIKE_LEASES": "redis", "TURNPIKE_REDIS_URL": f"unix://{redis_server.socket}"}
    with installation(tmp_path / "one", upstream, relays=2, env=env) as made:
        add_models(made.running, {"m": "simulator"})
        yield made


def test_without_the_truth_closed_limits_refuse_open_ones_go_on_and_all_is_well_when_it_is_back(
    on_redis: Installation, redis_server: RedisServer
) -> None:
    made = on_redis
    closed = limited_key(made, "closed", amount=1000, window_s=2)
    opened = limited_key(made, "open", amount=1000, window_s=2, on_unreachable="open")
    free = new_key(made, "without limits")
    keys = [each["key"] for each in (closed, opened, free)]
    for key in keys:
        assert chat(made.gateway.url, key, "m").status_code == 200
    redis_server.stop()
    try:
        time.sleep(2.1)  # slices end with their window
        refused = chat(made.gateway.url, keys[0], "m")
        assert refused.status_code == 503, refused.text
        assert int(refused.headers["retry-after"]) >= 1
        for key in keys[1:]:
            assert all(chat(made.gateway.url, key, "m").status_code == 200 for _ in range(5))
        assert made.health()["checks"]["limits"] != "ok"
        assert made.health()["status"] == "degraded"
    finally:
        redis_server.start()
    until(lambda: chat(made.gateway.url, keys[0], "m").status_code == 200, "limits are counted again")
    made.wait_until_well()


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
