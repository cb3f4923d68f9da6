"""Whatever becomes of a call, its row says what it cost and why it ended so: cached, filtered, fallen back, refused. On
both databases, by a whole gateway in front of a simulator."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.databases import PostgresServer, postgres
from tests.support.gateway import (
    EMBEDDING_MODEL,
    PRICES_USD_PER_MILLION,
    UPSTREAM_KEY,
    RunningGateway,
    running_gateway,
    wait_for,
)
from tests.support.simulator import RunningSimulator, running_simulator

__all__ = ["postgres"]

PROVIDER, MODEL = "sim", "chat-model"
CACHED = "cached-model"
FIRST = "How do I reset the password of my account in the web console?"
NEAR = "How do I reset the password for my account in the web console?"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def upstream() -> Iterator[RunningSimulator]:
    with running_simulator() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    upstream: RunningSimulator, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[RunningGateway]:
    settings = {"TURNPIKE_CACHE_WAIT_MS": "2000"}
    if request.param == "postgres":
        server: PostgresServer = request.getfixturevalue("postgres")
        settings["TURNPIKE_DATABASE_URL"] = server.address(server.create())
    with running_gateway(tmp_path_factory.mktemp("governed"), upstream, settings=settings) as running:
        running.api(
            "POST", "/ai/providers",
            {
                "vendor": "openai", "name": PROVIDER, "slug": PROVIDER, "api_base_url": f"{upstream.url}/v1",
                "shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"],
            },
        )  # fmt: skip
        running.add_model(PROVIDER, MODEL, "simulator", price_override=PRICES_USD_PER_MILLION)
        embedding = {"capabilities": ["embeddings"], "price_override": PRICES_USD_PER_MILLION}
        running.add_model(PROVIDER, EMBEDDING_MODEL, "simulator-embedding", **embedding)
        yield running


def ask(gateway: RunningGateway, model: str, text: str = "Hello.", *, key: str | None = None, **more: Any) -> Any:
    headers = {"authorization": f"Bearer {key or gateway.admin_key}", "x-request-id": uuid4().hex}
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    return httpx2.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers, timeout=20)


def row_of(gateway: RunningGateway, reply: httpx2.Response) -> Row:
    row = gateway.ledger_row(reply.headers["x-request-id"])
    assert row["status"] == reply.status_code
    return row


def price(row: Row) -> int:
    """What the row's own tokens cost by the price that was registered, in nano-dollars."""
    dollars = PRICES_USD_PER_MILLION
    return round(1000 * (row["input_tokens"] * dollars["input"] + row["output_tokens"] * dollars["output"]))


def eventually(gateway: RunningGateway, model: str, status: int, **more: Any) -> httpx2.Response:
    """The first answer with this status: a rule that was just set is at work within a second."""

    def probe() -> httpx2.Response | None:
        reply = ask(gateway, model, **more)
        return reply if reply.status_code == status else None

    return wait_for(f"status {status}", probe)


def assert_refused(row: Row, code: str, status: int, reason: str | None) -> None:
    """Nothing was sent, so nothing is to be paid."""
    assert (row["outcome"], row["error_code"], row["status"]) == ("refused", code, status)
    assert (row["cost_nanousd"], row["saved_nanousd"], row["attempts"]) == (0, 0, 0)
    assert (row["provider"], row["deployment_id"], row["model_served"]) == (None, None, None)
    assert (row["usage_source"], row["priced"], row["abandoned"]) == ("none", True, [])
    if reason is None:
        assert row["reason"] is None
    else:
        assert row["reason"] is not None
        assert row["reason"].startswith(reason), row["reason"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_kept_answer_costs_nothing_and_says_what_it_saved(gateway: RunningGateway, stream: bool) -> None:
    name = f"{CACHED}-{stream}"
    gateway.add_model(PROVIDER, name, f"simulator-{name}", price_override=PRICES_USD_PER_MILLION)
    rule = {"model": name, "mode": "exact+semantic", "embedding_model": EMBEDDING_MODEL, "threshold": 0.9}
    gateway.api("POST", "/cache/rules", rule)
    first = wait_for("the rule", lambda: reply if "x-turnpike-cache" in (reply := ask(gateway, name, FIRST)).headers
                     else None)  # fmt: skip
    made = row_of(gateway, first)
    assert made["cost_nanousd"] == price(made) > 0
    for text, kind in ((FIRST, "exact"), (NEAR, "semantic")):

        def probe(text: str = text, kind: str = kind) -> Row | None:
            row = row_of(gateway, ask(gateway, name, text, stream=stream))
            return row if row["cache"] == kind else None

        row = wait_for(f"a {kind} hit", probe)
        assert (row["outcome"], row["error_code"], row["reason"]) == ("ok", None, None)
        assert (row["cost_nanousd"], row["attempts"], row["provider"]) == (0, 0, None)
        assert row["saved_nanousd"] == made["cost_nanousd"]
        assert (row["input_tokens"], row["output_tokens"]) == (made["input_tokens"], made["output_tokens"])


def test_a_prompt_that_a_guard_blocks_costs_nothing(gateway: RunningGateway) -> None:
    made = gateway.api("POST", "/keys", {"name": "guarded before"})
    guard = {"name": "words", "kind": "terms", "action": "block", "on": "prompt", "terms": ["bluebird"]}
    gateway.api("POST", "/policies", {"name": "before", "keys": [made["id"]], "guards": [guard]})
    reply = eventually(gateway, MODEL, 400, text="A bluebird?", key=made["key"])
    assert_refused(row_of(gateway, reply), "POLICY_REFUSED", 400, "policy=before;guard=words")


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_a_guard_blocks_is_paid_for(gateway: RunningGateway, stream: bool) -> None:
    made = gateway.api("POST", "/keys", {"name": "guarded behind"})
    guard = {"name": "all", "kind": "patterns", "action": "block", "on": "answer", "patterns": ["[a-z]"]}
    name = f"behind {stream}"
    gateway.api("POST", "/policies", {"name": name, "keys": [made["id"]], "guards": [guard]})

    def probe() -> Row | None:
        reply = ask(gateway, MODEL, key=made["key"], stream=stream)
        row = gateway.ledger_row(reply.headers["x-request-id"])
        return row if row["outcome"] == "refused" else None

    row = wait_for("the guard", probe)
    assert (row["error_code"], row["attempts"], row["provider"]) == ("POLICY_REFUSED", 1, PROVIDER)
    assert row["reason"] == f"policy={name};guard=all;kind=pattern;where=answer"
    assert row["cost_nanousd"] is not None
    assert row["cost_nanousd"] > 0
    assert row["cost_nanousd"] == price(row)
    assert row["status"] == 400 or (stream and row["status"] == 200)


def test_a_call_that_fell_back_is_paid_where_it_was_answered(gateway: RunningGateway) -> None:
    bad = gateway.add_model(PROVIDER, "bad", "sim/status=503", price_override=PRICES_USD_PER_MILLION)
    good = gateway.add_model(PROVIDER, "good", "simulator-good", price_override=PRICES_USD_PER_MILLION)
    gateway.api(
        "POST", "/routes",
        {"name": "pair", "rules": [{"groups": [[{"deployment": bad["id"]}], [{"deployment": good["id"]}]]}]},
    )  # fmt: skip
    gateway.wait_for_model("pair")
    row = row_of(gateway, ask(gateway, "pair"))
    assert (row["outcome"], row["error_code"], row["reason"], row["attempts"]) == ("ok", None, None, 2)
    assert (row["deployment_id"], row["model_asked"], row["model_served"]) == (good["id"], "pair", "good")
    (given_up,) = row["abandoned"]
    assert (given_up["deployment_id"], given_up["status"], given_up["cost_nanousd"]) == (bad["id"], 503, 0)
    assert given_up["error_code"] == "UPSTREAM_REFUSED"
    assert row["cost_nanousd"] == price(row) > 0


def _over_limit(gateway: RunningGateway, key: Row) -> tuple[httpx2.Response, str]:
    limit = {"subject": "key", "name": key["id"], "amount": 1, "window_s": 3600}
    made = gateway.api("PUT", "/limits", limit)
    return eventually(gateway, MODEL, 429, key=key["key"]), f"limit={made['id']};subject=key;resource=requests;amount=1"


def _over_budget(gateway: RunningGateway, key: Row) -> tuple[httpx2.Response, str]:
    budget = {"kind": "key", "subject": key["id"], "amount_usd": "0.000000001", "period": "total"}
    made = gateway.api("POST", "/budgets", budget)
    return eventually(gateway, MODEL, 429, key=key["key"], max_tokens=20), f"budget={made['id']};kind=key"


def _over_bounds(gateway: RunningGateway, key: Row) -> tuple[httpx2.Response, str]:
    policy = {"name": "small", "keys": [key["id"]], "bounds": {"max_input_bytes": 10}}
    gateway.api("POST", "/policies", policy)
    return eventually(gateway, MODEL, 400, key=key["key"]), "policy=small;guard=bounds"


def _unknown_model(gateway: RunningGateway, key: Row) -> tuple[httpx2.Response, None]:
    return ask(gateway, "no-such-model", key=key["key"]), None


def _without_scope(gateway: RunningGateway, _: Row) -> tuple[httpx2.Response, str]:
    bare = gateway.create_key("bare", scopes=["models:read"])
    return ask(gateway, MODEL, key=bare), "scope=inference:text"


def _elsewhere(gateway: RunningGateway, _: Row) -> tuple[httpx2.Response, None]:
    far = gateway.create_key("far away", networks=["203.0.113.0/24"])
    return ask(gateway, MODEL, key=far), None


def _another_model(gateway: RunningGateway, _: Row) -> tuple[httpx2.Response, None]:
    narrow = gateway.create_key("narrow", models=["other-*"])
    return ask(gateway, MODEL, key=narrow), None


REFUSED: dict[str, tuple[Callable[[RunningGateway, Row], tuple[httpx2.Response, str | None]], str, int]] = {
    "limit": (_over_limit, "RATE_LIMITED", 429),
    "budget": (_over_budget, "BUDGET_SPENT", 429),
    "policy": (_over_bounds, "POLICY_REFUSED", 400),
    "unknown model": (_unknown_model, "MODEL_NOT_FOUND", 404),
    "scope": (_without_scope, "SCOPE_MISSING", 403),
    "network": (_elsewhere, "ADDRESS_FORBIDDEN", 403),
    "model": (_another_model, "MODEL_FORBIDDEN", 403),
}


@pytest.mark.parametrize("why", REFUSED)
def test_a_refused_call_is_in_the_ledger_with_what_refused_it(gateway: RunningGateway, why: str) -> None:
    make, code, status = REFUSED[why]
    key = gateway.api("POST", "/keys", {"name": f"refused by {why}"})
    reply, reason = make(gateway, key)
    assert_refused(row_of(gateway, reply), code, status, reason)


def test_who_is_not_known_has_no_row_but_an_entry_in_the_audit_log(gateway: RunningGateway) -> None:
    reply = ask(gateway, MODEL, key="tp-" + "x" * 43)
    assert reply.status_code == 401

    def entry() -> list[Row] | None:
        found = gateway.api("GET", "/audit", action="call.refused", actor="anonymous")
        return [each for each in found if each["error_code"] == "UNAUTHENTICATED"] or None

    (seen,) = wait_for("the entry", entry)
    assert (seen["outcome"], seen["address"], seen["key_id"]) == ("refused", "127.0.0.1", None)
    time.sleep(0.3)
    assert gateway.ledger_rows(reply.headers["x-request-id"]) == []
