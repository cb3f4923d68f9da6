"""Two machines on one PostgreSQL: what is changed at one is at work at the other, and both write one ledger."""

import json
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from tests.support.accounts import assert_each_call_once, assert_totals_agree
from tests.support.databases import PostgresServer
from tests.support.gateways import TURNPIKE, bare_environment
from tests.support.installation import PROVIDER_KEY, Installation, add_models, chat, installation, until
from tests.support.simulator import RunningSimulator, running_simulator
from turnpike.kit.crypto import random_text

pytestmark = [pytest.mark.postgres, pytest.mark.xdist_group("two gateways")]
Pair = tuple[Installation, Installation]

AT_WORK_WITHIN_S = 5.0
"""The promise is one second; a machine that runs other tests beside this one gets more."""


@pytest.fixture(scope="module")
def strict_upstream() -> Iterator[RunningSimulator]:
    """It takes the provider key and no other: a gateway that cannot open the stored one is refused."""
    with running_simulator(api_key=PROVIDER_KEY) as running:
        yield running


@contextmanager
def shared_settings(postgres: PostgresServer) -> Iterator[dict[str, str]]:
    name = postgres.create()
    yield {
        "TURNPIKE_DATABASE_URL": postgres.address(name),
        "TURNPIKE_SECRET_KEYS": Fernet.generate_key().decode(),
        "TURNPIKE_KEY_PEPPER": random_text(384),
    }
    postgres.drop(name)


@contextmanager
def two_gateways(folder: Path, upstream: RunningSimulator, env: dict[str, str]) -> Iterator[Pair]:
    with (
        installation(folder / "one", upstream, env=env) as one,
        installation(folder / "two", upstream, env=env, admin_key=one.admin_key) as two,
    ):
        add_models(one.running, {"m": "simulator"})
        two.running.wait_for_model("m")
        yield one, two


@pytest.fixture(scope="module")
def pair(
    postgres: PostgresServer, strict_upstream: RunningSimulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """For all tests that leave both as they were."""
    with (
        shared_settings(postgres) as env,
        two_gateways(tmp_path_factory.mktemp("pair"), strict_upstream, env) as running,
    ):
        yield running


def status(made: Installation, key: str, request_id: str | None = None) -> int:
    headers = {"x-request-id": request_id} if request_id else {}
    return chat(made.gateway.url, key, "m", headers=headers).status_code


def test_a_change_at_one_gateway_is_at_work_at_the_other(pair: Pair) -> None:
    one, two = pair
    key = one.running.create_key("shared")
    for _ in range(3):
        assert status(two, key) == 200
    (listed,) = [row for row in one.running.api("GET", "/keys") if row["name"] == "shared"]
    one.running.api("DELETE", f"/keys/{listed['id']}")
    assert until(lambda: status(two, key) == 401, "the key is unknown at the other") < AT_WORK_WITHIN_S

    other = two.running.create_key("made at the other")
    assert status(one, other) == status(two, other) == 200
    (provider,) = two.running.api("GET", "/ai/providers")
    one.running.api("PATCH", f"/ai/providers/{provider['id']}", {"is_active": False})
    took_s = until(lambda: status(two, other) != 200, "the provider is off at the other")
    assert took_s < AT_WORK_WITHIN_S
    refused = chat(two.gateway.url, other, "m")
    assert refused.status_code == 404, refused.text
    two.running.api("PATCH", f"/ai/providers/{provider['id']}", {"is_active": True})
    assert until(lambda: status(one, other) == 200, "the provider is on at the first") < AT_WORK_WITHIN_S


def test_both_gateways_write_one_ledger(pair: Pair) -> None:
    one, two = pair
    key = two.running.create_key("caller")
    calls = {f"{place}-{number}": made for number in range(15) for place, made in (("one", one), ("two", two))}
    for request_id, made in calls.items():
        assert status(made, key, request_id) == 200
    rows = one.wait_for_rows(set(calls))
    assert_each_call_once(rows, set(calls))
    assert rows == two.rows()
    assert_totals_agree(two.running, rows)


def test_rotating_the_secrets_keeps_both_gateways_at_work(
    tmp_path: Path, strict_upstream: RunningSimulator, postgres: PostgresServer
) -> None:
    with (
        shared_settings(postgres) as env,
        two_gateways(tmp_path, strict_upstream, env) as (one, two),
    ):
        key = one.running.create_key("caller")
        old, new = env["TURNPIKE_SECRET_KEYS"], Fernet.generate_key().decode()

        def restart_both(keys: str) -> None:
            """One after the other: the one that runs goes on serving."""
            for made, other in ((one, two), (two, one)):
                made.env["TURNPIKE_SECRET_KEYS"] = keys
                assert made.stop() == 0
                assert status(other, key) == 200
                made.start()
                assert status(made, key) == 200

        restart_both(f"{new},{old}")
        # The provider's credential, and the key that signs access tokens.
        assert '"reencrypted": 2' in one.command("secrets", "rotate", "--json")
        assert status(one, key) == status(two, key) == 200
        restart_both(new)  # the old one is of no use to anybody now
        add_models(two.running, {"later": "simulator"}, slug="second")
        one.running.wait_for_model("later")
        assert chat(one.gateway.url, key, "later").status_code == 200


def test_a_gateway_with_other_secrets_is_refused_at_its_start(
    tmp_path: Path, strict_upstream: RunningSimulator, postgres: PostgresServer
) -> None:
    with shared_settings(postgres) as env, installation(tmp_path / "one", strict_upstream, env=env):
        stranger = {"TURNPIKE_DATABASE_URL": env["TURNPIKE_DATABASE_URL"]}
        argv = [*TURNPIKE, "serve", "--port", "0", "--relays", "1", "--data-dir", str(tmp_path / "two")]
        done = subprocess.run(
            argv,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=tmp_path,
            env=bare_environment(**stranger),
        )
        assert done.returncode != 0
        assert "is not the one that this database's API keys were made with" in done.stderr


def test_both_write_one_chain_of_the_audit_log(pair: Pair) -> None:
    """Real processes, each with its own connections; the chain has every change once and never forks."""
    calls = [(made, f"{made is pair[0]}-{number}") for number in range(15) for made in pair]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda call: call[0].running.api("POST", "/departments", {"name": call[1]}), calls))
    one, two = pair
    rows = one.running.api("GET", "/audit", action="department.create", per_page=500)
    assert sorted(row["changes"][0]["fields"]["name"][1] for row in rows) == sorted(name for _, name in calls)
    assert len({row["seq"] for row in rows}) == len(calls)
    said = [json.loads(made.command("audit", "verify", "--json")) for made in (one, two)]
    assert all(each["ok"] and each["entries"] == each["last"] for each in said), said
    assert len({each["public_key"] for each in said}) == 1
