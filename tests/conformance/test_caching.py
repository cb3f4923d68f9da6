"""Kept answers as the vendors' SDKs meet them: whole and streamed, in every form; and the providers' own caches."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.caching import keep
from tests.support.gateway import SIDES, RunningGateway
from tests.support.sdks import Calls

QUESTION = "What is a turnpike?"
WORDS = {"openai_chat": "chat", "openai_responses": "responses", "anthropic_messages": "messages", "gemini": "gemini"}


@pytest.fixture(autouse=True)
def no_rules_left(gateway: RunningGateway) -> Iterator[None]:
    """The gateway is every test's: what comes after is not answered from a cache."""
    yield
    for rule in gateway.api("GET", "/cache/rules"):
        gateway.api("DELETE", f"/cache/rules/{rule['id']}")
    time.sleep(1.0)


class Forms:
    """The same question by each SDK, whole and streamed; each gives the text that it got."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def whole(self, dialect: str, model: str) -> str:
        calls = self._calls
        match dialect:
            case "openai_chat":
                answer = await calls.chat(model=model, messages=[{"role": "user", "content": QUESTION}])
                assert answer.choices[0].finish_reason == "stop"
                return answer.choices[0].message.content
            case "openai_responses":
                answer = await calls.responses(model=model, input=QUESTION, store=False)
                assert answer.status == "completed"
                return answer.output_text
            case "anthropic_messages":
                answer = await calls.messages(
                    model=model, max_tokens=200, messages=[{"role": "user", "content": QUESTION}]
                )
                assert answer.stop_reason == "end_turn"
                return "".join(part.text for part in answer.content)
            case _:
                answer = await calls.gemini.aio.models.generate_content(model=model, contents=QUESTION)
                return answer.text

    async def streamed(self, dialect: str, model: str) -> str:
        calls = self._calls
        match dialect:
            case "openai_chat":
                chunks = await calls.chat_stream(
                    model=model,
                    messages=[{"role": "user", "content": QUESTION}],
                    stream_options={"include_usage": True},
                )
                assert chunks[-1].usage is not None
                return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
            case "openai_responses":
                events = await calls.responses_stream(model=model, input=QUESTION, store=False)
                assert events[-1].type == "response.completed"
                return "".join(event.delta for event in events if event.type == "response.output_text.delta")
            case "anthropic_messages":
                events = await calls.messages_stream(
                    model=model, max_tokens=200, messages=[{"role": "user", "content": QUESTION}]
                )
                assert events[-1].type == "message_stop"
                return "".join(event.delta.text for event in events if event.type == "content_block_delta")
            case _:
                stream = await calls.gemini.aio.models.generate_content_stream(model=model, contents=QUESTION)
                return "".join([chunk.text or "" async for chunk in stream])


def upstream_calls(gateway: RunningGateway) -> int:
    return len(gateway.simulator.calls())


@pytest.mark.parametrize("side", ["openai_chat", "anthropic_messages", "gemini"])
@pytest.mark.parametrize("dialect", WORDS)
async def test_an_answer_is_given_again_in_the_callers_form_whichever_way_it_came(
    gateway: RunningGateway, one_kind: Calls, dialect: str, side: str
) -> None:
    forms, model = Forms(one_kind), SIDES[side].model
    for first_streams in (True, False):
        keep(gateway, model)
        first = await (forms.streamed if first_streams else forms.whole)(dialect, model)
        before = upstream_calls(gateway)
        assert first
        assert await forms.streamed(dialect, model) == first
        assert await forms.whole(dialect, model) == first
        assert upstream_calls(gateway) == before, "a provider was asked again"


def body_of(gateway: RunningGateway, request_id: str) -> Any:
    return json.loads(gateway.upstream_call(request_id)["body"])


async def test_fields_of_the_providers_own_prompt_caches_pass_through(
    gateway: RunningGateway, one_kind: Calls, request_id: str
) -> None:
    for side in ("openai_chat", "anthropic_messages"):
        keep(gateway, SIDES[side].model)
    marked = [{"type": "text", "text": "A long text.", "cache_control": {"type": "ephemeral"}}]
    await one_kind.messages(
        model=SIDES["anthropic_messages"].model,
        max_tokens=50,
        system=marked,
        messages=[{"role": "user", "content": QUESTION}],
        extra_headers={"x-request-id": f"{request_id}-a"},
    )
    assert body_of(gateway, f"{request_id}-a")["system"] == marked
    await one_kind.chat(
        model=SIDES["openai_chat"].model,
        messages=[{"role": "user", "content": QUESTION}],
        prompt_cache_key="tenant-7",
        extra_headers={"x-request-id": f"{request_id}-o"},
    )
    assert body_of(gateway, f"{request_id}-o")["prompt_cache_key"] == "tenant-7"
