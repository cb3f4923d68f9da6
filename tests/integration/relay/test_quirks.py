"""Providers that differ inside a form, through a real relay: what they are sent, and errors told with status 200."""

import json
from typing import Any

import pytest

from tests.support.http import CHAT, MESSAGES
from tests.support.relay_process import Stage, chat_body, messages_body
from tests.support.upstream import answer, completion, refusal, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOLD = {"quirks": ("status_in_body",)}
RENAMED = {"quirks": ("max_tokens", "no_developer_role")}
POOR = {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}, "choices": None}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", [CHAT, MESSAGES])
async def test_an_error_told_with_status_200_is_one_to_the_caller(stage: Stage, path: str, stream: bool) -> None:
    await stage.policies(max_attempts=1)
    body = messages_body if path == MESSAGES else chat_body
    async with serving(answer(POOR)) as upstream:
        model = await stage.model(upstream, provider=TOLD)
        answered = await stage.ask(path, {**body(model), "stream": stream})
    assert answered.status == 402
    error = answered.json()["error"]
    assert error["message"] == "insufficient balance"
    assert error["type"] == ("billing_error" if path == MESSAGES else "insufficient_quota")
    assert stage.settled(answered).cost_nanousd == 0


async def test_a_real_answer_of_such_a_provider_is_passed_on_as_it_is(stage: Stage) -> None:
    said = {**completion("Hello."), "base_resp": {"status_code": 0, "status_msg": ""}}
    async with serving(answer(said)) as upstream:
        model = await stage.model(upstream, provider=TOLD)
        answered = await stage.chat(model)
    assert (answered.status, answered.json()) == (200, said)


async def test_a_deployment_without_money_is_left_for_another(stage: Stage) -> None:
    await stage.policies(max_attempts=2)
    poor = refusal("402 Payment Required", "Insufficient Balance")
    async with serving(poor) as one, serving(answer(completion("From the other."))) as other:
        model = await stage.model(one, other)
        answers = [await stage.chat(model) for _ in range(2)]
    assert [each.status for each in answers] == [200, 200]


@pytest.mark.parametrize("same_name", [True, False])
async def test_a_provider_of_older_names_is_sent_them(stage: Stage, same_name: bool) -> None:
    received: list[dict[str, Any]] = []

    async def take(wire: Any, request: Any) -> None:
        received.append(json.loads(request.body))
        await wire.write(answer(completion()))

    async with serving(take) as upstream:
        name = "upstream-model" if same_name else None
        model = await stage.model(upstream, name=name, provider=RENAMED)
        asked = {
            "model": model,
            "max_completion_tokens": 5,
            "messages": [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        }
        answered = await stage.ask(CHAT, asked)
    assert answered.status == 200
    assert received == [
        {
            "model": "upstream-model",
            "max_tokens": 5,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
        }
    ]
