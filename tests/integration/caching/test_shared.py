"""The store that relays share: across relays, restarts and outages, and what the ledger tells of it."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.support.caching import ask, keep, kept_for_all, state
from tests.support.gateway import SIDES, RunningGateway, register_simulator, running_gateway
from tests.support.redis import RedisServer, redis_server
from tests.support.simulator import RunningSimulator

__all__ = ["redis_server"]

MODEL = SIDES["openai_chat"].model
TRIES = 12
"""Connections enough that both relays got one."""


def test_what_one_relay_kept_the_other_gives_too(gateway: RunningGateway) -> None:
    keep(gateway, MODEL)
    before = gateway.api("GET", "/cache/stats")["entries"]
    first = ask(gateway, MODEL, "Shared?")
    assert state(first) == "miss"
    kept_for_all(gateway, before + 1)
    replies = [ask(gateway, MODEL, "Shared?") for _ in range(TRIES)]
    assert {state(reply) for reply in replies} == {"hit"}
    assert {reply.text for reply in replies} == {first.text}


def test_at_rest_nothing_of_prompt_or_answer_can_be_read(gateway: RunningGateway) -> None:
    keep(gateway, MODEL)
    before = gateway.api("GET", "/cache/stats")["entries"]
    answer = ask(gateway, MODEL, "Unmistakable-prompt-words").json()["choices"][0]["message"]["content"]
    kept_for_all(gateway, before + 1)
    with sqlite3.connect(gateway.folder / "answers.db") as db:
        rows = db.execute("SELECT * FROM answers").fetchall()
    assert rows
    seen = b"".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
    assert b"Unmistakable" not in seen
    assert answer.encode() not in seen


def test_a_hit_is_in_the_ledger_with_what_it_saved(gateway: RunningGateway) -> None:
    keep(gateway, MODEL)
    made = gateway.ledger_row(ask(gateway, MODEL, "Ledger?").headers["x-request-id"])
    hit = gateway.ledger_row(ask(gateway, MODEL, "Ledger?").headers["x-request-id"])
    assert (made["cache"], made["saved_nanousd"]) == (None, 0)
    assert (hit["cache"], hit["cost_nanousd"]) == ("exact", 0)
    assert hit["saved_nanousd"] == made["cost_nanousd"] > 0
    assert (hit["input_tokens"], hit["output_tokens"]) == (made["input_tokens"], made["output_tokens"])
    assert (hit["usage_source"], hit["outcome"], hit["attempts"]) == ("reported", "ok", 0)
    rows = gateway.api("GET", "/ledger", per_page=500)
    summary = gateway.api("GET", "/ledger/summary", by="operation")
    assert sum(group["saved_nanousd"] for group in summary) == sum(row["saved_nanousd"] for row in rows)


def test_what_is_cleared_is_gone_everywhere(gateway: RunningGateway) -> None:
    keep(gateway, MODEL)
    ask(gateway, MODEL, "Cleared?")
    assert state(ask(gateway, MODEL, "Cleared?")) == "hit"
    assert gateway.api("POST", "/cache/clear", {"model": MODEL})["cleared"] >= 1
    time.sleep(1.0)
    assert {state(ask(gateway, MODEL, "Cleared?", control="no-store")) for _ in range(TRIES)} == {"miss"}


def test_answers_survive_a_restart(simulator: RunningSimulator, tmp_path: Path) -> None:
    with running_gateway(tmp_path, simulator) as gateway:
        register_simulator(gateway)
        keep(gateway, MODEL)
        first = ask(gateway, MODEL, "Restart?")
        kept_for_all(gateway, 1)
    with running_gateway(tmp_path, simulator) as gateway:
        again = ask(gateway, MODEL, "Restart?")
    assert state(again) == "hit"
    assert again.text == first.text


def test_a_redis_that_goes_away_costs_hits_and_nothing_else(
    simulator: RunningSimulator, tmp_path: Path, redis_server: RedisServer
) -> None:
    settings = {"TURNPIKE_CACHE_STORE": "redis", "TURNPIKE_REDIS_URL": f"unix://{redis_server.socket}"}
    with running_gateway(tmp_path, simulator, relays=2, settings=settings) as gateway:
        register_simulator(gateway)
        keep(gateway, MODEL)
        ask(gateway, MODEL, "Redis?")
        kept_for_all(gateway, 1)
        assert {state(ask(gateway, MODEL, "Redis?")) for _ in range(TRIES)} == {"hit"}
        redis_server.stop()
        try:
            for number in range(4):
                began = time.monotonic()
                reply = ask(gateway, MODEL, f"Without Redis {number}?")
                assert (reply.status_code, state(reply)) == (200, "miss")
                assert time.monotonic() - began < 2.0
            assert gateway.api("GET", "/cache/stats")["reachable"] is False
        finally:
            redis_server.start()
        assert ask(gateway, MODEL, "Redis again?").status_code == 200
        kept_for_all(gateway, 1)


@pytest.mark.parametrize("relays", [1])
def test_without_a_store_each_relay_keeps_its_own(simulator: RunningSimulator, tmp_path: Path, relays: int) -> None:
    settings = {"TURNPIKE_CACHE_STORE": "off"}
    with running_gateway(tmp_path, simulator, relays=relays, settings=settings) as gateway:
        register_simulator(gateway)
        keep(gateway, MODEL)
        states = [state(ask(gateway, MODEL, "Alone?")) for _ in range(2)]
        assert states == ["miss", "hit"]
        assert gateway.api("GET", "/cache/stats")["entries"] is None
        assert not (gateway.folder / "answers.db").exists()
