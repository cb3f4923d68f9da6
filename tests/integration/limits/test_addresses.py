"""The simple limit of every address: with good keys, with bad ones and without; and for those behind a proxy."""

import time
from collections.abc import Iterator
from itertools import count

import httpx2
import pytest

from tests.support.gateway import RunningGateway, register_simulator, running_gateway, wait_for
from tests.support.simulator import RunningSimulator

AMOUNT, WINDOW_S = 20, 86_400


@pytest.fixture(scope="module")
def gateway(simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    settings = {
        "TURNPIKE_RATE_LIMIT_ENABLED": "true",
        "TURNPIKE_RATE_LIMIT_REQUESTS": str(AMOUNT),
        "TURNPIKE_RATE_LIMIT_WINDOW": str(WINDOW_S),
        "TURNPIKE_TRUSTED_PROXIES": "127.0.0.1/32",
    }
    with running_gateway(tmp_path_factory.mktemp("addresses"), simulator, settings=settings) as running:
        register_simulator(running)
        yield running


def ask(gateway: RunningGateway, address: str, key: str | None, path: str = "/v1/chat/completions") -> httpx2.Response:
    headers = {"x-forwarded-for": address} | ({"authorization": f"Bearer {key}"} if key else {})
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "Hello!"}]}
    return httpx2.post(gateway.url + path, json=body, headers=headers, timeout=30, trust_env=False)


def used(gateway: RunningGateway, address: str) -> int:
    (counter,) = gateway.api("GET", "/limits/counters", subject="ip", name=address)
    return counter["used"]


def test_each_address_has_its_own_window(gateway: RunningGateway) -> None:
    key = gateway.create_key("addresses")
    statuses = [ask(gateway, "198.51.100.1", key).status_code for _ in range(AMOUNT + 2)]
    assert statuses == [200] * AMOUNT + [429] * 2
    refused = ask(gateway, "198.51.100.1", key)
    assert "of your address" in refused.text
    assert refused.headers["x-turnpike-limit"].startswith("ip;resource=requests;amount=20")
    other = ask(gateway, "198.51.100.2", key)
    assert other.status_code == 200
    assert other.headers["x-ratelimit-remaining-requests"] == str(AMOUNT - 1)


def test_addresses_of_one_ipv6_network_are_counted_together(gateway: RunningGateway) -> None:
    key = gateway.create_key("ipv6")
    for number in range(AMOUNT):
        assert ask(gateway, f"2001:db8:1:2::{number:x}", key).status_code == 200
    assert ask(gateway, "2001:db8:1:2::ffff", key).status_code == 429
    assert ask(gateway, "2001:db8:1:3::1", key).status_code == 200


@pytest.mark.parametrize(
    ("address", "key", "path"),
    [
        ("198.51.100.10", "guess", "/v1/chat/completions"),
        ("198.51.100.11", None, "/v1/chat/completions"),
        ("198.51.100.12", "guess", "/api/v1/keys"),
    ],
)
def test_whoever_guesses_keys_is_slowed_down(gateway: RunningGateway, address: str, key: str | None, path: str) -> None:
    """A stranger's request is answered first and counted then: each waits here until those before it are counted."""
    numbers = count(1)

    def guess() -> int:
        return ask(gateway, address, f"tp-{key}-{next(numbers)}" if key else None, path).status_code

    statuses: list[int] = []
    while 429 not in statuses:
        statuses.append(guess())
        counted = min(len(statuses), AMOUNT)
        wait_for("what was asked is counted", lambda least=counted: used(gateway, address) >= least or None, 30)
        if counted == AMOUNT:
            time.sleep(0.05)  # the relay is told of it a moment after it stands there
        assert len(statuses) <= AMOUNT + 5, statuses
    assert statuses == [401] * (len(statuses) - 1) + [429]
    assert len(statuses) >= AMOUNT
    assert [guess() for _ in range(10)] == [429] * 10


def test_an_address_is_read_and_reset(gateway: RunningGateway) -> None:
    key = gateway.create_key("reset")
    while ask(gateway, "198.51.100.20", key).status_code == 200:
        pass
    (counter,) = gateway.api("GET", "/limits/counters", subject="ip", name="198.51.100.20")
    assert (counter["used"], counter["limit_id"]) == (AMOUNT, "TURNPIKE_RATE_LIMIT_ENABLED")
    gateway.api("POST", "/limits/reset", {"subject": "ip", "name": "198.51.100.20"})
    time.sleep(1)
    assert ask(gateway, "198.51.100.20", key).status_code == 200
