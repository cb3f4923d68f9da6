"""Operations beside conversations, and what only one dialect can say."""

import base64
import struct
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from tests.support.cases import GREETING, WEATHER
from tests.support.dialects import DIALECTS
from tests.support.gateway import EMBEDDING_MODEL, PAIR_MODEL, SIDES, RunningGateway
from tests.support.sdks import Calls, calls_to, value_of

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
OPENAI = SIDES["openai_chat"].model
ANTHROPIC = SIDES["anthropic_messages"].model


# ---- embeddings, token counts, models


async def test_embeddings_come_as_floats_and_as_base64(calls: Calls) -> None:
    asked = {"model": EMBEDDING_MODEL, "input": ["red fox", "blue sky"], "dimensions": 8}
    floats = await calls.embeddings(encoding_format="float", **asked)
    packed = await calls.embeddings(encoding_format="base64", **asked)

    for one, other in zip(floats.data, packed.data, strict=True):
        assert list(struct.unpack("<8f", base64.b64decode(other.embedding))) == one.embedding
    assert floats.usage.prompt_tokens == 4


async def test_tokens_are_counted_before_they_are_spent(calls: Calls) -> None:
    asked: Any = {"model": ANTHROPIC, "system": "Be kind.", "messages": HELLO}
    counted = await calls.count_tokens(**asked)
    answered = await calls.messages(max_tokens=50, **asked)

    assert counted.input_tokens == answered.usage.input_tokens == 3


async def test_counting_tokens_of_a_model_that_cannot_is_a_clear_error(calls: Calls) -> None:
    with pytest.raises(anthropic.BadRequestError) as caught:
        await calls.count_tokens(model=EMBEDDING_MODEL, messages=HELLO)

    assert EMBEDDING_MODEL in caught.value.message
    assert ANTHROPIC in caught.value.message, "it names models that can"


async def test_both_sdks_list_the_models_of_the_key(calls: Calls) -> None:
    wanted = {OPENAI, ANTHROPIC, PAIR_MODEL, EMBEDDING_MODEL}

    assert wanted <= {model.id for model in await calls.openai_models()}
    assert wanted <= {model.id for model in await calls.anthropic_models(limit=1000)}
    listed = [model.id for model in await calls.openai_models()]
    assert len(listed) == len(set(listed)), "a model with two deployments is one model"


async def test_a_restricted_key_lists_only_its_models(gateway: RunningGateway) -> None:
    key = gateway.create_key("only-openai", models=["chat-by-open*"])
    async with calls_to(gateway.url, key, "async") as calls:
        assert [model.id for model in await calls.openai_models()] == [OPENAI]


async def test_anthropics_pages_are_followed_to_the_end(gateway: RunningGateway, caller_key: str) -> None:
    async with calls_to(gateway.url, caller_key, "sync") as both:
        assert isinstance(both.anthropic, anthropic.Anthropic)
        page_by_page = [model.id for model in both.anthropic.models.list(limit=1)]
        at_once = [model.id for model in both.anthropic.models.list(limit=1000)]

    assert page_by_page == at_once


# ---- the SDKs' helpers


class Person(BaseModel):
    name: str
    age: int


@pytest.mark.parametrize("provider", DIALECTS)
async def test_structured_output_parses_into_the_callers_type(
    gateway: RunningGateway, caller_key: str, provider: str
) -> None:
    async with calls_to(gateway.url, caller_key, "sync") as both:
        assert isinstance(both.openai, openai.OpenAI)
        completion = both.openai.chat.completions.parse(
            model=SIDES[provider].model, messages=HELLO, response_format=Person
        )

    assert completion.choices[0].message.parsed == Person(name="simulated name", age=7)


@pytest.mark.parametrize("provider", DIALECTS)
async def test_anthropics_stream_helper_builds_the_message(
    gateway: RunningGateway, caller_key: str, provider: str
) -> None:
    asked: Any = {
        "model": SIDES[provider].model,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": "hello [think:3] [tool] [text]"}],
        "tools": [{"name": WEATHER.name, "description": "w", "input_schema": WEATHER.schema}],
    }
    async with calls_to(gateway.url, caller_key, "sync") as both:
        with both.anthropic.messages.stream(**asked) as stream:
            message = stream.get_final_message()

    assert [block.type for block in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[2].input == {"city": "simulated city", "unit": "celsius"}
    assert message.usage.output_tokens == 3 + 12 + 5
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize("provider", DIALECTS)
async def test_openais_stream_helper_builds_the_completion(
    gateway: RunningGateway, caller_key: str, provider: str
) -> None:
    async with calls_to(gateway.url, caller_key, "sync") as both:
        with both.openai.chat.completions.stream(model=SIDES[provider].model, messages=HELLO) as stream:
            completion = stream.get_final_completion()

    assert completion.choices[0].message.content == f"{GREETING} You said: hello"


# ---- a tool loop, as an agent runs it


@pytest.mark.parametrize("provider", DIALECTS)
async def test_an_openai_agent_gets_from_call_to_answer(calls: Calls, provider: str) -> None:
    tools = [{"type": "function", "function": {"name": WEATHER.name, "parameters": WEATHER.schema}}]
    messages: list[Any] = [{"role": "user", "content": "weather? [tools:2]"}]
    asked: Any = {"model": SIDES[provider].model, "tools": tools, "max_completion_tokens": 500}
    first = (await calls.chat(messages=messages, **asked)).choices[0].message
    messages.append(first.model_dump(exclude_none=True))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": f"result {index}"}
        for index, call in enumerate(first.tool_calls)
    ]
    second = (await calls.chat(messages=messages, **asked)).choices[0]

    assert second.finish_reason == "stop"
    assert second.message.content == (
        f"{GREETING} Tool get_weather returned: result 0 Tool get_weather returned: result 1 You said: weather?"
    )


@pytest.mark.parametrize("provider", DIALECTS)
@pytest.mark.parametrize("failed", [False, True], ids=["result", "failure"])
async def test_an_anthropic_agent_gets_from_call_to_answer(calls: Calls, provider: str, *, failed: bool) -> None:
    asked: Any = {
        "model": SIDES[provider].model,
        "max_tokens": 3000,
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "tools": [{"name": WEATHER.name, "input_schema": WEATHER.schema}],
    }
    messages: list[Any] = [{"role": "user", "content": "weather? [tool]"}]
    first = await calls.messages(messages=messages, **asked)
    messages.append({"role": "assistant", "content": [block.to_dict() for block in first.content]})
    call = next(block for block in first.content if block.type == "tool_use")
    result: dict[str, Any] = {"type": "tool_result", "tool_use_id": call.id, "content": "no signal"}
    if failed:
        result["is_error"] = True
    messages.append({"role": "user", "content": [result]})
    second = await calls.messages(messages=messages, **asked)

    assert second.stop_reason == "end_turn"
    text = "".join(block.text for block in second.content if block.type == "text")
    assert "no signal" in text
    if failed:
        assert "failed" in text or "rror" in text, "the provider learns that the tool failed"


# ---- what only one dialect can say


async def test_several_choices_stay_within_openais_dialect(calls: Calls) -> None:
    completion = await calls.chat(model=OPENAI, messages=HELLO, n=2)
    assert len(completion.choices) == 2

    with pytest.raises(openai.BadRequestError, match=r"\bn\b") as caught:
        await calls.chat(model=ANTHROPIC, messages=HELLO, n=2)
    assert caught.value.param == "n"


async def test_one_choice_may_be_asked_for_in_every_dialect(calls: Calls) -> None:
    assert len((await calls.chat(model=ANTHROPIC, messages=HELLO, n=1)).choices) == 1


async def test_logprobs_stay_within_openais_dialect(calls: Calls) -> None:
    completion = await calls.chat(model=OPENAI, messages=HELLO, logprobs=True, top_logprobs=1)
    assert len(completion.choices[0].logprobs.content) == 12

    with pytest.raises(openai.BadRequestError, match="logprobs"):
        await calls.chat(model=ANTHROPIC, messages=HELLO, logprobs=True)


async def test_a_refused_translation_reaches_no_provider(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    with pytest.raises(openai.BadRequestError):
        await calls.chat(model=ANTHROPIC, messages=HELLO, n=3, extra_headers={"x-request-id": request_id})

    assert gateway.simulator.calls_of(request_id) == []
    row = gateway.ledger_row(request_id)
    assert (row["status"], row["cost_nanousd"]) == (400, 0)


async def test_what_one_deployment_cannot_say_another_may(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    for number in range(2):
        headers = {"x-request-id": f"{request_id}-{number}"}
        completion = await calls.chat(model=PAIR_MODEL, messages=HELLO, n=2, extra_headers=headers)
        assert len(completion.choices) == 2
        assert gateway.upstream_call(f"{request_id}-{number}")["path"] == "/v1/chat/completions"


async def test_hidden_reasoning_survives_its_own_dialect(calls: Calls) -> None:
    asked: Any = [{"role": "user", "content": "[think:5] [hidden] hello"}]
    message = await calls.messages(model=ANTHROPIC, messages=asked, max_tokens=100)

    assert [block.type for block in message.content] == ["redacted_thinking", "text"]


async def test_a_refusal_reaches_callers_of_both_dialects(calls: Calls) -> None:
    asked: Any = [{"role": "user", "content": "[refuse] please"}]
    own = (await calls.chat(model=OPENAI, messages=asked)).choices[0].message
    translated = await calls.messages(model=OPENAI, messages=asked, max_tokens=100)

    assert own.refusal.startswith(GREETING)
    assert translated.stop_reason == "refusal"


async def test_what_the_target_cannot_say_is_left_out_when_the_caller_allows_it(calls: Calls) -> None:
    asked: Any = {"model": ANTHROPIC, "messages": HELLO, "frequency_penalty": 0.5, "logit_bias": {"1": 2}}
    with pytest.raises(openai.BadRequestError, match=r"logit_bias|frequency_penalty"):
        await calls.chat(**asked)

    allowed = {"x-turnpike-drop-unsupported": "true"}
    create = calls.openai.chat.completions.with_raw_response.create
    raw = await value_of(create(**asked, extra_headers=allowed))

    assert GREETING in raw.parse().choices[0].message.content
    assert set(raw.headers["x-turnpike-dropped"].split(", ")) == {"frequency_penalty", "logit_bias"}
    assert float(raw.headers["x-turnpike-cost"]) > 0
    stream = await value_of(
        calls.openai.chat.completions.with_raw_response.create(**asked, stream=True, extra_headers=allowed)
    )
    assert "logit_bias" in stream.headers["x-turnpike-dropped"]
