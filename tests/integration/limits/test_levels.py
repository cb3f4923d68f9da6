"""Every kind of thing that a limit can be of, each dialect's answers, and a reset by the person."""

from typing import Any

import pytest

from tests.integration.limits.conftest import Caller, settle
from tests.support.gateway import RunningGateway
from turnpike.relay.edge import EXPOSED

MODEL = "chat-by-openai"
TEXT = [{"role": "user", "content": "Hello!"}]
FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "responses": ("/v1/responses", {"model": MODEL, "input": "Hello!"}),
    "gemini": (f"/v1beta/models/{MODEL}:generateContent", {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}),
    "cohere": ("/v2/chat", {"model": MODEL, "messages": TEXT}),
    "bedrock": (f"/model/{MODEL}/converse", {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}),
}


@pytest.mark.parametrize("subject", ["deployment", "operation", "path", "gateway"])
def test_each_level_refuses_and_is_named(gateway: RunningGateway, ada: Caller, subject: str) -> None:
    deployment = next(row["id"] for row in gateway.api("GET", "/ai/models", per_page=100) if row["name"] == MODEL)
    name = {"deployment": deployment, "operation": "chat", "path": "/v1/chat/completions"}.get(subject, "")
    level = "operation" if subject == "path" else subject
    # A window that no other limit of these tests has.
    limit = ada.limit(level, name, amount=1, window_s=86_400)
    try:
        answers = [ada.ask() for _ in range(2)]
        assert [each.status_code for each in answers] == [200, 429], answers[0].text
        assert answers[1].headers["x-turnpike-limit"].startswith(f"{level};resource=requests;amount=1;")
    finally:
        gateway.api("DELETE", f"/limits/{limit['id']}")
        settle(gateway)


@pytest.mark.parametrize("form", FORMS)
def test_every_dialects_answers_tell_how_the_limit_stands(ada: Caller, form: str) -> None:
    ada.limit(amount=1)
    path, body = FORMS[form]
    passed, refused = ada.ask(path, body), ada.ask(path, body)
    assert (passed.status_code, refused.status_code) == (200, 429), passed.text
    for answer in (passed, refused):
        assert answer.headers["x-ratelimit-limit-requests"] == "1"
        assert answer.headers["x-ratelimit-remaining-requests"] == "0"
        assert answer.headers["x-ratelimit-reset-requests"].endswith("s")
        assert "r=0" in answer.headers["ratelimit"]
        assert "q=1" in answer.headers["ratelimit-policy"]
        told = {name for name in answer.headers if "ratelimit" in name or name.startswith("x-turnpike-")}
        assert told <= set(EXPOSED), "a script of another origin may read them"
    assert int(refused.headers["retry-after"]) > 0
    assert refused.headers["x-turnpike-limit"].startswith("key;")


def test_a_persons_counters_are_reset(gateway: RunningGateway, ada: Caller) -> None:
    ada.limit("user", amount=1)
    assert ada.statuses(2) == [200, 429]
    assert len(gateway.api("POST", "/limits/reset", {"subject": "user", "name": ada.user_id})) == 1
    settle(gateway)
    assert ada.statuses(1) == [200]
