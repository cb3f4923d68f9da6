"""Near questions: answered with a kept answer when they are near enough and everything else is the same, by vectors in
SQLite and in PostgreSQL. The simulator's embeddings are near for texts that share words."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support.caching import ask, keep, state
from tests.support.databases import PostgresServer, postgres
from tests.support.gateway import EMBEDDING_MODEL, SIDES, RunningGateway, register_simulator, running_gateway, wait_for
from tests.support.simulator import RunningSimulator

__all__ = ["postgres"]

MODEL = SIDES["openai_chat"].model
FIRST = "How do I reset the password of my account in the web console?"
NEAR = "How do I reset the password for my account in the web console?"
FAR = "Which rivers flow through Vienna?"


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    settings = {"TURNPIKE_CACHE_WAIT_MS": "2000"}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings["TURNPIKE_DATABASE_URL"] = server.address(server.create())
    with running_gateway(tmp_path_factory.mktemp("gateway"), simulator, relays=1, settings=settings) as running:
        register_simulator(running)
        yield running


def rule(gateway: RunningGateway, **facts: Any) -> None:
    keep(gateway, MODEL, **{"mode": "exact+semantic", "embedding_model": EMBEDDING_MODEL, "threshold": 0.9, **facts})


def keep_first(gateway: RunningGateway, **more: Any) -> httpx2.Response:
    """The first question, once its answer can be found by a near one."""
    reply = ask(gateway, MODEL, FIRST, **more)
    assert (reply.status_code, state(reply)) == (200, "miss"), reply.text
    looked = more | {"control": "only-if-cached"}
    wait_for(
        "the question is found", lambda: True if state(ask(gateway, MODEL, NEAR, **looked)) == "semantic" else None
    )
    return reply


def test_a_near_question_gets_the_answer_and_a_far_one_does_not(gateway: RunningGateway) -> None:
    rule(gateway)
    first = keep_first(gateway)
    near = ask(gateway, MODEL, NEAR)
    assert near.json() == first.json()
    assert float(near.headers["x-turnpike-cache"].rpartition("similarity=")[2]) >= 0.9
    assert state(ask(gateway, MODEL, FAR)) == "miss"


def test_a_semantic_hit_is_free_and_its_embedding_is_in_the_ledger(gateway: RunningGateway) -> None:
    rule(gateway)
    keep_first(gateway)
    request_id = ask(gateway, MODEL, NEAR).headers["x-request-id"]
    row = gateway.ledger_row(request_id)
    assert (row["cache"], row["cost_nanousd"]) == ("semantic", 0)
    assert row["saved_nanousd"] > 0
    embedding = gateway.ledger_row(f"{request_id}:embedding")
    assert (embedding["operation"], embedding["model_asked"], embedding["outcome"]) == (
        "embeddings", EMBEDDING_MODEL, "ok",
    )  # fmt: skip
    assert embedding["cost_nanousd"] > 0
    assert embedding["key_id"] == row["key_id"]


FUNCTION = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
OTHERS: dict[str, dict[str, Any]] = {
    "another parameter": {"temperature": 0.1},
    "tools": {"tools": [FUNCTION]},
    "a form to keep to": {"response_format": {"type": "json_object"}},
}


@pytest.mark.parametrize("other", OTHERS)
def test_everything_but_the_last_text_must_be_the_same(gateway: RunningGateway, other: str) -> None:
    rule(gateway)
    keep_first(gateway)
    assert state(ask(gateway, MODEL, NEAR, **OTHERS[other])) == "miss"


@pytest.mark.parametrize("before", [[{"role": "system", "content": "Be brief."}], [
    {"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello!"}]])  # fmt: skip
def test_instructions_and_the_conversation_so_far_count(gateway: RunningGateway, before: list[dict[str, str]]) -> None:
    rule(gateway)
    keep_first(gateway)
    messages = [*before, {"role": "user", "content": NEAR}]
    assert state(ask(gateway, MODEL, "", messages=messages)) == "miss"


def test_pictures_are_not_compared(gateway: RunningGateway) -> None:
    rule(gateway)
    keep_first(gateway)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    content = [{"type": "text", "text": NEAR}, picture]
    reply = ask(gateway, MODEL, "", messages=[{"role": "user", "content": content}], control="only-if-cached")
    assert (reply.status_code, state(reply)) == (504, "miss")


def test_nothing_crosses_users_unless_the_rule_says_so(gateway: RunningGateway) -> None:
    person = gateway.api("POST", "/users", {"display_name": "Somebody", "role": "user"})
    key = gateway.create_key("somebody's", user_id=person["id"])
    rule(gateway)
    keep_first(gateway)
    assert state(ask(gateway, MODEL, NEAR, key=key, control="only-if-cached")) == "miss"
    rule(gateway, sharing="gateway")
    keep_first(gateway)
    assert state(ask(gateway, MODEL, NEAR, key=key, control="only-if-cached")) == "semantic"


def test_below_the_threshold_is_not_near(gateway: RunningGateway) -> None:
    rule(gateway)
    keep_first(gateway)
    rule(gateway, threshold=0.999)
    ask(gateway, MODEL, FIRST)
    assert state(ask(gateway, MODEL, NEAR)) == "miss"


def test_what_is_cleared_is_not_near_any_more(gateway: RunningGateway) -> None:
    rule(gateway)
    keep_first(gateway)
    gateway.api("POST", "/cache/clear", {})
    assert state(ask(gateway, MODEL, NEAR)) == "miss"


def test_an_embedding_model_that_fails_costs_a_miss_and_nothing_else(gateway: RunningGateway) -> None:
    rule(gateway, embedding_model="no-such-model")
    replies = [ask(gateway, MODEL, FIRST), ask(gateway, MODEL, NEAR)]
    assert [(reply.status_code, state(reply)) for reply in replies] == [(200, "miss"), (200, "miss")]


def test_the_embedding_needs_no_seat_beside_the_one_that_its_call_holds(gateway: RunningGateway) -> None:
    made = gateway.api("POST", "/keys", {"name": "one at a time", "scopes": ["inference:text", "embeddings"]})
    limit = {"subject": "key", "name": made["id"], "resource": "concurrency", "amount": 1}
    gateway.api("PUT", "/limits", limit)
    rule(gateway)
    keep_first(gateway, key=made["key"])
    request_id = ask(gateway, MODEL, NEAR, key=made["key"]).headers["x-request-id"]
    assert gateway.ledger_row(request_id)["cache"] == "semantic"
    assert gateway.ledger_row(f"{request_id}:embedding")["outcome"] == "ok"
