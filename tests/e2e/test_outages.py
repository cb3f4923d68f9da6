"""PostgreSQL really stops: known keys go on being served, also after a restart, and no row is lost or doubled."""

from pathlib import Path

import pytest

from tests.support.accounts import assert_each_call_once, assert_totals_agree
from tests.support.databases import PostgresServer
from tests.support.installation import Installation, add_models, chat, installation, until
from tests.support.simulator import RunningSimulator

pytestmark = pytest.mark.postgres

STRANGER = "tp-" + "never-made-by-anyone-" * 2


class Caller:
    """One key in use; remembers its calls."""

    def __init__(self, made: Installation, key: str) -> None:
        self._made = made
        self._key = key
        self.calls: set[str] = set()

    def call(self, number: int = 1) -> None:
        """All of them must be answered."""
        for _ in range(number):
            request_id = f"outage-{len(self.calls)}"
            self.calls.add(request_id)
            answer = chat(self._made.gateway.url, self._key, "m", headers={"x-request-id": request_id})
            assert answer.status_code == 200, answer.text


def database_word(made: Installation) -> str:
    return made.health().get("checks", {}).get("database", "")


def assert_says_unavailable(made: Installation, key: str) -> None:
    """Nobody can say now whether this key is good: that is no 401, on which a program would give up."""
    answer = chat(made.gateway.url, key, "m")
    assert answer.status_code == 503, answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert key not in answer.text


def assert_serves_what_is_known(made: Installation, caller: Caller, unused_key: str) -> None:
    until(lambda: database_word(made).startswith("cannot be reached"), "/health tells of the database")
    assert made.health()["status"] == "degraded"
    caller.call(15)
    assert_says_unavailable(made, unused_key)
    assert_says_unavailable(made, f"{STRANGER}{made.gateway.process.pid}")


def test_known_keys_are_served_while_the_database_is_away_and_after_a_restart_without_it(
    tmp_path: Path, upstream: RunningSimulator, own_postgres: PostgresServer
) -> None:
    env = {"TURNPIKE_DATABASE_URL": own_postgres.address(own_postgres.create())}
    with installation(tmp_path / "one", upstream, relays=2, env=env) as made:
        gateway = made.running
        add_models(gateway, {"m": "simulator"})
        caller = Caller(made, gateway.create_key("in use"))
        unused_key = gateway.create_key("not used yet")
        caller.call(15)  # both relays know it
        assert chat(gateway.url, STRANGER, "m").status_code == 401
        made.wait_for_rows(caller.calls)

        own_postgres.stop()
        assert_serves_what_is_known(made, caller, unused_key)
        assert made.stop() == 0
        made.start()
        assert_serves_what_is_known(made, caller, unused_key)
        # Killed, too: what it needs is on disk at any time.
        made.kill()
        made.start()
        assert_serves_what_is_known(made, caller, unused_key)

        own_postgres.start()
        made.wait_until_well()
        rows = made.wait_for_rows(caller.calls)
        assert_each_call_once(rows, caller.calls)
        served = [row for row in rows if row["request_id"] in caller.calls]
        assert {(row["outcome"], row["key_name"]) for row in served} == {("ok", "in use")}
        assert_totals_agree(made.running, rows)
        assert chat(made.gateway.url, unused_key, "m").status_code == 200
        assert chat(made.gateway.url, STRANGER, "m").status_code == 401
        assert made.stop() == 0
