"""Which limits count for whom, what a caller is told, and how an administrator sets, reads and resets them."""

import re
import threading
import time
from typing import Any

import httpx2
import pytest

from tests.integration.limits.conftest import HOUR_S, Caller, caller, settle
from tests.support.gateway import RunningGateway


def test_a_key_without_limits_is_told_of_none(ada: Caller) -> None:
    answer = ada.ask()

    assert answer.status_code == 200
    assert not [name for name in answer.headers if "ratelimit" in name]


def test_the_limit_of_a_key_is_exact_and_the_answer_says_how_it_stands(ada: Caller) -> None:
    ada.limit(amount=3)
    answers = [ada.ask() for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    first, refused = answers[0].headers, answers[3]
    assert first["x-ratelimit-limit-requests"] == "3"
    assert [each.headers["x-ratelimit-remaining-requests"] for each in answers] == ["2", "1", "0", "0"]
    assert re.fullmatch(r"\d+s", first["x-ratelimit-reset-requests"])
    assert first["ratelimit-policy"] == f'"key-requests-{HOUR_S}";q=3;w={HOUR_S}'
    assert re.fullmatch(rf'"key-requests-{HOUR_S}";r=2;t=\d+', first["ratelimit"])
    assert 1 <= int(refused.headers["retry-after"]) <= HOUR_S
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert "of this API key" in refused.text
    assert "3 requests per hour" in refused.text


def test_a_burst_is_let_pass_beyond_the_amount(ada: Caller) -> None:
    ada.limit(amount=2, burst=2)
    assert ada.statuses(5) == [200, 200, 200, 200, 429]


def test_anthropics_callers_are_told_in_their_own_words(ada: Caller) -> None:
    ada.limit(amount=1)
    ada.limit(amount=1000, resource="tokens")
    first = ada.ask("/v1/messages", model="chat-by-anthropic", headers={"anthropic-version": "2023-06-01"})
    second = ada.ask("/v1/messages", model="chat-by-anthropic", headers={"anthropic-version": "2023-06-01"})

    assert first.headers["anthropic-ratelimit-requests-remaining"] == "0"
    assert first.headers["anthropic-ratelimit-requests-reset"].endswith("Z")
    assert int(first.headers["anthropic-ratelimit-tokens-remaining"]) < 1000
    assert second.status_code == 429
    assert second.json()["error"]["type"] == "rate_limit_error"


def test_each_key_of_a_tier_has_its_numbers_and_a_rule_of_its_own_replaces_them(gateway: RunningGateway) -> None:
    gateway.api("PUT", "/tiers/tiny", {"description": "For this test."})
    one = caller(gateway, "tiny one", tier="tiny")
    two = caller(gateway, "tiny two", tier="tiny")
    one.limit("tier", "tiny", amount=2)
    assert one.statuses(3) == [200, 200, 429]
    assert two.statuses(3) == [200, 200, 429]
    assert "of the tier 'tiny'" in one.ask().text
    one.limit(amount=4)
    assert one.statuses(3) == [200, 200, 429], "what was used stays used"
    two.limit("user", amount=1)
    assert two.statuses(2) == [200, 429]
    assert "of this user" in two.ask().text


def test_the_tiers_that_every_gateway_begins_with(gateway: RunningGateway) -> None:
    rows = gateway.api("GET", "/tiers")
    found = {
        row["name"]: {(each["resource"], each["window_s"]): each["amount"] for each in row["limits"]} for row in rows
    }

    assert found["free"] == {("requests", 60): 10, ("requests", 3600): 100, ("concurrency", 0): 2}
    assert found["pro"] == {("requests", 60): 100, ("requests", 3600): 1000, ("concurrency", 0): 10}
    assert found["enterprise"] == {("requests", 60): 1000, ("requests", 3600): 10000, ("concurrency", 0): 50}
    assert found["standard"] == {}
    assert found["unlimited"] == {}


def test_every_level_counts_and_the_one_that_refuses_is_named(gateway: RunningGateway, ada: Caller) -> None:
    department = gateway.api("POST", "/departments", {"name": "Limited"})
    gateway.api("PATCH", f"/users/{ada.user_id}", {"department_id": department["id"]})
    ada.limit(amount=100)
    ada.limit("department", department["id"], amount=2)
    assert ada.statuses(3) == [200, 200, 429]
    assert "of this department" in ada.ask().text


def test_a_limit_of_a_model_counts_its_calls_under_every_name(gateway: RunningGateway, ada: Caller) -> None:
    gateway.add_model("sim-openai", "counted-model", "simulator-counted")
    gateway.api("POST", "/ai/aliases", {"name": "counted-alias", "target": "counted-model"})
    ada.limit("model", "counted-*", amount=2)
    answers = [ada.ask(model=name).status_code for name in ("counted-model", "counted-alias", "counted-model")]
    assert answers == [200, 200, 429]
    assert ada.ask().status_code == 200


def test_a_rule_may_be_narrowed_to_a_model_or_an_operation(ada: Caller) -> None:
    ada.limit(amount=1, model="chat-by-both")
    ada.limit(amount=1, operation="/v1/messages")
    assert ada.statuses(2, model="chat-by-both") == [200, 429]
    assert ada.statuses(2, path="/v1/messages", model="chat-by-anthropic") == [200, 429]
    assert ada.statuses(3) == [200, 200, 200]


def test_tokens_are_counted_as_they_were_used(ada: Caller) -> None:
    ada.limit(amount=2000, resource="tokens")
    said = ada.ask()
    used = said.json()["usage"]["total_tokens"]

    assert said.headers["x-ratelimit-limit-tokens"] == "2000"
    bound = int(said.headers["x-ratelimit-limit-tokens"]) - int(said.headers["x-ratelimit-remaining-tokens"])
    assert 100 < bound < 300, "the most that it could use"
    assert 2000 - int(ada.ask().headers["x-ratelimit-remaining-tokens"]) == used + bound, "the first used so much"
    long = ada.ask(
        body={"model": "chat-by-openai", "max_tokens": 1990, "messages": [{"role": "user", "content": "Hi"}]}
    )
    assert long.status_code == 429
    assert "more than the whole limit of this API key: 2000 tokens" in long.text
    assert long.headers["x-should-retry"] == "false"
    assert ada.ask().status_code == 200, "a smaller one still has room"
    assert used < 60


def test_calls_at_once_are_limited_and_come_free(gateway: RunningGateway, ada: Caller) -> None:
    ada.limit(amount=1, resource="concurrency")
    assert ada.statuses(5) == [200] * 5
    gateway.add_model("sim-openai", "slow-one", "sim/latency=3s")
    refused = _while_busy(ada)
    assert refused.status_code == 429
    assert "requests at once" in refused.text
    assert ada.ask().status_code == 200


def _while_busy(ada: Caller) -> httpx2.Response:
    slow = threading.Thread(target=lambda: ada.ask(model="slow-one"))
    slow.start()
    time.sleep(0.7)
    refused = ada.ask()
    slow.join()
    return refused


def test_a_provider_that_is_full_is_passed_over(gateway: RunningGateway, ada: Caller) -> None:
    ada.limit("provider", "sim-anthropic", amount=1)
    try:
        answers = [ada.ask(model="chat-by-both") for _ in range(6)]
        assert [each.status_code for each in answers] == [200] * 6
        served = [each.headers["x-turnpike-provider"] for each in answers]
        assert served.count("sim-anthropic") == 1
        alone = ada.ask(model="chat-by-anthropic")
        assert alone.status_code == 429
        assert "of this provider" in alone.text
    finally:
        (rule,) = gateway.api("GET", "/limits", subject="provider")
        gateway.api("DELETE", f"/limits/{rule['id']}")
        settle(gateway)
    assert ada.ask(model="chat-by-anthropic").status_code == 200


def test_passed_through_calls_count(ada: Caller) -> None:
    ada.limit(amount=2)
    answers = [ada.ask("/v1/files", method="GET") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-remaining-requests"] == "1"


def test_a_batch_counts_for_its_lines(ada: Caller) -> None:
    ada.limit(amount=10)
    line = (
        '{"custom_id": "%d", "method": "POST", "url": "/v1/chat/completions",'
        ' "body": {"model": "chat-by-openai", "messages": [{"role": "user", "content": "hello"}]}}\n'
    )
    content = "".join(line % number for number in range(6)).encode()
    uploaded = ada.ask("/v1/files", files={"file": ("a.jsonl", content)}, data={"purpose": "batch"})
    assert uploaded.status_code == 200, uploaded.text
    body = {"input_file_id": uploaded.json()["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    assert ada.ask("/v1/batches", body).headers["x-ratelimit-remaining-requests"] == "3"
    assert ada.ask("/v1/batches", body).status_code == 429
    assert ada.ask().status_code == 200


def test_counters_are_read_and_reset(gateway: RunningGateway, ada: Caller) -> None:
    ada.limit(amount=2)
    assert ada.statuses(3) == [200, 200, 429]
    (counter,) = gateway.api("GET", "/limits/counters", subject="key", name=ada.key_id)
    assert (counter["used"], counter["remaining"], counter["amount"]) == (2, 0, 2)
    gateway.api("POST", "/limits/reset", {"subject": "key", "name": ada.key_id})
    time.sleep(1)
    assert ada.statuses(3) == [200, 200, 429]


def test_a_limit_that_is_taken_away_limits_no_more(gateway: RunningGateway, ada: Caller) -> None:
    rule = ada.limit(amount=1)
    assert ada.statuses(2) == [200, 429]
    gateway.api("DELETE", f"/limits/{rule['id']}")
    settle(gateway)
    assert ada.statuses(2) == [200, 200]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"subject": "key", "name": "nobody", "amount": 1}, "no key"),
        ({"subject": "tier", "name": "nowhere", "amount": 1}, "no tier"),
        ({"subject": "gateway", "name": "x", "amount": 1}, "no name"),
        ({"subject": "model", "amount": 1}, "which model"),
        ({"subject": "gateway", "amount": -1}, "amount"),
        ({"subject": "gateway", "amount": 1, "resource": "concurrency", "window_s": 60}, "window_s"),
        ({"subject": "ip", "name": "x", "amount": 1}, "network"),
        ({"subject": "moon", "amount": 1}, "subject"),
    ],
)
def test_what_is_no_limit_is_refused_with_what_is_wrong(
    gateway: RunningGateway, body: dict[str, Any], word: str
) -> None:
    headers = {"authorization": f"Bearer {gateway.admin_key}"}
    answer = httpx2.put(f"{gateway.url}/api/v1/limits", json=body, headers=headers, trust_env=False)
    assert answer.status_code in (400, 404), answer.text
    assert word in answer.text


def test_a_key_cannot_have_a_tier_that_nobody_made(gateway: RunningGateway) -> None:
    headers = {"authorization": f"Bearer {gateway.admin_key}"}
    body = {"name": "typo", "tier": "enterprize"}
    answer = httpx2.post(f"{gateway.url}/api/v1/keys", json=body, headers=headers, trust_env=False)
    assert answer.status_code == 400
    assert "enterprise" in answer.text
