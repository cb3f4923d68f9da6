"""Budgets at work in a whole gateway: what counts, who is refused and in which words, and where else a call goes."""

import asyncio
import json
from typing import Any

import httpx2
import pytest

from tests.integration.budgets.conftest import Spender, settle, spender, spent
from tests.support.forms import wav
from tests.support.gateway import UPSTREAM_KEY, RunningGateway, wait_for
from tests.support.gateways import turnpike_json
from tests.support.talking import responses

pytestmark = pytest.mark.xdist_group("budgets")
DOLLAR = 10**9
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def _batch(spender: Spender) -> None:
    body = {"model": "chat-by-openai", "messages": [{"role": "user", "content": "hello"}], "max_tokens": 5}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    files = {"file": ("a.jsonl", json.dumps(line).encode() + b"\n")}
    uploaded = spender.ask("/sim-openai/v1/files", files=files, data={"purpose": "batch"})
    assert uploaded.status_code == 200, uploaded.text
    asked = {"input_file_id": uploaded.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    made = spender.ask("/sim-openai/v1/batches", asked)
    assert made.status_code == 200, made.text
    path = f"/sim-openai/v1/batches/{made.json()['id']}"
    wait_for("the batch ends", lambda: spender.ask(path, method="GET").json()["status"] == "completed" or None, 30)


def _mirrored(spender: Spender) -> httpx2.Response:
    """A call of which a copy goes to another deployment."""
    gateway = spender.gateway
    ids = {row["name"]: row["id"] for row in gateway.api("GET", "/ai/models", per_page=100)}
    rule = {
        "groups": [[{"deployment": ids["chat-by-openai"]}]],
        "mirror": {"to": {"deployment": ids["copied"]}, "percent": 100},
    }
    route = gateway.api("POST", "/routes", {"name": "twice", "rules": [rule]})
    gateway.wait_for_model("twice")
    answer = spender.chat("twice")
    gateway.api("DELETE", f"/routes/{route['id']}")
    return answer


def test_no_path_goes_by_a_budget(gateway: RunningGateway, ada: Spender) -> None:
    budgets = [ada.budget(10 * DOLLAR), ada.budget(10 * DOLLAR, "user"), ada.budget(10 * DOLLAR, "gateway", hard=False)]
    sound = {"file": ("speech.wav", wav(3.0))}
    picture = {"image": ("hat.png", PNG, "image/png")}
    text = {"role": "user", "content": [{"text": "Hi"}]}
    answers = [
        ada.chat(),
        ada.chat(stream=True),
        ada.ask(
            "/v1/messages", {"model": "chat-by-both", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
        ),
        ada.ask("/v1/responses", {"model": "chat-by-openai", "input": "Hello!", "max_output_tokens": 20}),
        ada.ask("/v1/embeddings", {"model": "embed", "input": ["one", "two"]}),
        ada.ask("/v1/images/generations", {"model": "paint", "prompt": "a cat", "n": 1}),
        ada.ask("/v1/audio/speech", {"model": "speak", "input": "Say this.", "voice": "alloy"}),
        ada.ask("/v1/audio/transcriptions", files=sound, data={"model": "hear"}),
        ada.ask(
            "/v1beta/models/chat-by-openai:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
        ),
        ada.ask("/v2/chat", {"model": "chat-by-openai", "messages": [{"role": "user", "content": "Hi"}]}),
        ada.ask("/model/chat-by-openai/converse", {"messages": [text]}),
        ada.ask("/v1/images/edits", files=picture, data={"model": "retouch", "prompt": "a hat", "size": "1024x1024"}),
        ada.ask("/v1/moderations", {"model": "judge", "input": "Is this fine?"}),
        ada.ask("/v1/rerank", {"model": "rank", "query": "hats", "documents": ["a hat", "a cat"]}),
        ada.ask("/sim-openai/v1/files", method="GET"),
    ]
    assert [each.text for each in answers if each.status_code != 200] == []
    _batch(ada)
    (talked,) = asyncio.run(responses(gateway.url, ada.key, "talk", 1))
    assert talked["type"] == "response.done", talked
    answers.append(_mirrored(ada))
    assert answers[-1].status_code == 200, answers[-1].text

    def every_row() -> list[dict[str, Any]] | None:
        """All that were answered with a price, the batch's, the session's and the copy's: of the answers only the
        list of files has none."""
        rows = ada.rows()
        priced = [row["operation"] for row in rows if row["cost_nanousd"]]
        assert len(priced) <= len(answers) + 2, priced
        return rows if len(priced) == len(answers) + 2 else None

    rows = wait_for("a row of every kind", every_row, 30)
    total = sum(row["cost_nanousd"] or 0 for row in rows)
    assert [row["cost_nanousd"] > 0 for row in rows if row["mirror_of"] or row["operation"] == "realtime"] == [True] * 2
    # Nobody else has called.
    assert [spent(gateway, budget) for budget in budgets] == [total] * 3, "to the nano-dollar"
    gateway.api("DELETE", f"/budgets/{budgets[2]['id']}")


def test_a_departments_budget_refuses_its_people_alone(gateway: RunningGateway, ada: Spender) -> None:
    department = gateway.api("POST", "/departments", {"name": f"Hats of {ada.user_id}"})
    gateway.api("PATCH", f"/users/{ada.user_id}", {"department_id": department["id"]})
    ada.budget(1000, "department", department["id"])
    refused = ada.chat()
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "insufficient_quota")
    assert "department" in refused.json()["error"]["message"]
    assert spender(gateway, "of no department").chat().status_code == 200


def test_a_hard_budget_refuses_and_says_which_and_how_it_stands(gateway: RunningGateway, ada: Spender) -> None:
    ada.budget(1000, period="day", time_zone="Europe/Berlin")
    refused = ada.chat()
    error = refused.json()["error"]

    assert refused.status_code == 429
    assert error["code"] == "insufficient_quota"
    assert "of this API key" in error["message"]
    assert "0.000001" in error["message"]
    assert "renewed at" in error["message"]
    spoken = ada.ask("/v1/audio/speech", {"model": "speak", "input": "Say this.", "voice": "alloy"})
    assert spoken.status_code == 429, "sound counts like text"
    assert ada.ask("/v1/images/generations", {"model": "paint", "prompt": "a cat"}).status_code == 429
    (talked,) = asyncio.run(responses(gateway.url, ada.key, "talk", 1))
    assert "of this API key" in talked["error"]["message"], talked
    codes = wait_for("four rows", lambda: rows if len(rows := ada.rows()) == 4 else None)
    assert {row["error_code"] for row in codes} == {"BUDGET_SPENT"}
    assert {row["cost_nanousd"] for row in codes} == {0}


def test_a_soft_budget_refuses_nothing_and_raises_its_alert(gateway: RunningGateway, ada: Spender) -> None:
    budget = ada.budget(1000, hard=False, alerts=[50])
    assert [ada.chat().status_code for _ in range(3)] == [200] * 3
    (alert,) = wait_for("its alert", lambda: gateway.api("GET", "/budgets/alerts", budget_id=budget["id"]) or None, 20)
    assert alert["percent"] == 50


def test_a_tag_counts_the_calls_that_carry_it_and_no_others(gateway: RunningGateway, ada: Spender) -> None:
    budget = ada.budget(DOLLAR, "tag", "nightly")
    tagged = ada.chat(headers={"x-turnpike-tags": "nightly,other"})
    assert (tagged.status_code, ada.chat().status_code) == (200, 200)
    costs = wait_for("two rows", lambda: rows if len(rows := ada.rows()) == 2 else None)
    assert spent(gateway, budget) * 2 == sum(row["cost_nanousd"] for row in costs)
    gateway.api("PATCH", f"/budgets/{budget['id']}", {"amount_usd": "0.000000001"})
    settle(gateway)
    refused = ada.chat(headers={"x-turnpike-tags": "nightly"})
    assert refused.status_code == 429
    assert "nightly" in refused.text
    assert ada.chat().status_code == 200


@pytest.mark.parametrize("kind", ["provider", "credential"])
def test_where_the_money_of_one_provider_is_spent_the_next_one_answers(
    gateway: RunningGateway, ada: Spender, kind: str
) -> None:
    subject = "sim-anthropic"
    if kind == "credential":
        (shared,) = gateway.api("GET", f"/ai/providers/{subject}/credentials")
        subject = shared["id"]
    budget = ada.budget(1, kind, subject)
    try:
        answers = [ada.chat("chat-by-both") for _ in range(4)]
        assert [each.status_code for each in answers] == [200] * 4
        assert {each.headers["x-turnpike-provider"] for each in answers} == {"sim-openai"}
        gateway.api("PATCH", f"/budgets/{budget['id']}", {"amount_usd": "1"})
        settle(gateway)
        for _ in range(4):
            ada.chat("chat-by-both")
        rows = wait_for("eight rows", lambda: rows if len(rows := ada.rows()) == 8 else None)
        here = [
            row["cost_nanousd"]
            for row in rows
            if row["provider"] in ("sim-anthropic", gateway.providers["sim-anthropic"])
        ]
        assert spent(gateway, budget) == sum(here) > 0
    finally:
        gateway.api("DELETE", f"/budgets/{budget['id']}")
        settle(gateway)


def test_a_persons_monthly_limit_at_a_provider_holds_and_the_next_deployment_answers(
    gateway: RunningGateway, ada: Spender
) -> None:
    path = "/api/v1/ai/providers/sim-anthropic/settings"
    own = {"personal_api_key": UPSTREAM_KEY, "monthly_limit": 0}
    said = ada.ask(path, own, "PUT")
    assert said.status_code == 200, said.text
    settle(gateway)
    answers = [ada.chat("chat-by-both") for _ in range(4)]
    assert [each.status_code for each in answers] == [200] * 4
    assert {each.headers["x-turnpike-provider"] for each in answers} == {"sim-openai"}
    ada.ask(path, {"monthly_limit": 1000}, "PATCH")
    settle(gateway)
    both = {ada.chat("chat-by-both").headers["x-turnpike-provider"] for _ in range(6)}
    assert both == {"sim-openai", "sim-anthropic"}


def test_a_model_has_its_own_budget_under_every_name(gateway: RunningGateway, ada: Spender) -> None:
    budget = ada.budget(1, "model", "embed*")
    try:
        refused = ada.ask("/v1/embeddings", {"model": "embed", "input": "one"})
        assert refused.status_code == 429
        assert "embed*" in refused.text
        assert ada.chat().status_code == 200
    finally:
        gateway.api("DELETE", f"/budgets/{budget['id']}")
        settle(gateway)


def test_what_has_no_price_needs_a_flat_amount_under_a_hard_budget(gateway: RunningGateway, ada: Spender) -> None:
    budget = ada.budget(DOLLAR)
    refused = ada.chat("unpriced")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "policy_refused")
    gateway.api("PATCH", f"/budgets/{budget['id']}", {"flat_usd": "0.01"})
    settle(gateway)
    assert ada.chat("unpriced").status_code == 200
    wait_for("its row", lambda: len(ada.rows()) == 2 or None)
    assert spent(gateway, budget) == DOLLAR // 100


def test_the_command_sets_lists_and_shows_budgets(gateway: RunningGateway, ada: Spender) -> None:
    folder = gateway.folder
    whom = {
        "key": ["--key", ada.key_id], "user": ["--user", ada.user_id], "model": ["--model", "gpt-*"],
        "provider": ["--provider", "sim-openai"], "tag": ["--tag", "cli"], "gateway": ["--global"],
    }  # fmt: skip
    periods = ["day", "week", "month", "total", "rolling", "month"]
    made = {}
    for (kind, words), period in zip(whom.items(), periods, strict=True):
        more = ["--hours", "24"] if period == "rolling" else ["--time-zone", "Asia/Tokyo"]
        said = turnpike_json(
            "budgets", "set", *words, "--amount-usd", "5.00", "--period", period, *more, "--soft", "--alert", "50,90",
            folder=folder,
        )  # fmt: skip
        assert (said["kind"], said["period"], said["hard"], said["alerts"]) == (kind, period, False, [50, 90])
        made[said["id"]] = said
    listed = {row["id"]: row for row in turnpike_json("budgets", "list", folder=folder)}
    assert set(made) <= set(listed)
    for budget_id in made:
        assert turnpike_json("budgets", "show", budget_id, folder=folder)["id"] == budget_id
        turnpike_json("budgets", "delete", budget_id, folder=folder)
