"""What only one dialect has, and the operations beside conversations, through the vendors' own SDKs."""

import base64
import math
import struct
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from tests.support.cases import CLOCK, GREETING, PNG, WEATHER
from tests.support.dialects import openai_usage
from tests.support.sdks import Calls, calls_to
from tests.support.simulator import RunningSimulator

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
MODEL = "simulator"


# ---- OpenAI chat


async def test_several_choices_differ_and_are_all_counted(calls: Calls) -> None:
    completion = await calls.chat(model=MODEL, messages=HELLO, n=3)

    texts = [choice.message.content for choice in completion.choices]
    first = f"{GREETING} You said: hello"
    assert texts == [first, f"{first} (Choice 2.)", f"{first} (Choice 3.)"]
    assert completion.usage.completion_tokens == 12 + 14 + 14


async def test_streamed_choices_have_the_same_texts_and_figures(calls: Calls) -> None:
    whole = await calls.chat(model=MODEL, messages=HELLO, n=2)
    chunks = await calls.chat_stream(model=MODEL, messages=HELLO, n=2, stream_options={"include_usage": True})

    texts = ["", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == [choice.message.content for choice in whole.choices]
    assert openai_usage(chunks[-1].usage) == openai_usage(whole.usage)


async def test_a_stream_tells_its_usage_only_when_asked(calls: Calls) -> None:
    unasked = await calls.chat_stream(model=MODEL, messages=HELLO)
    asked = await calls.chat_stream(model=MODEL, messages=HELLO, stream_options={"include_usage": True})

    assert all(chunk.usage is None and chunk.choices for chunk in unasked)
    assert [bool(chunk.usage) for chunk in asked] == [False] * (len(asked) - 1) + [True]
    assert asked[-1].choices == []


async def test_logprobs_cover_every_token_of_the_text(calls: Calls) -> None:
    completion = await calls.chat(model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2)
    chunks = await calls.chat_stream(model=MODEL, messages=HELLO, logprobs=True, top_logprobs=2)

    listed = completion.choices[0].logprobs.content
    assert "".join(one.token for one in listed) == completion.choices[0].message.content
    assert all(len(one.top_logprobs) == 2 and one.logprob < 0 for one in listed)
    streamed = [one for chunk in chunks for one in (getattr(chunk.choices[0].logprobs, "content", None) or ())]
    assert streamed == listed


async def test_a_json_object_holds_the_prompt(calls: Calls) -> None:
    completion = await calls.chat(model=MODEL, messages=HELLO, response_format={"type": "json_object"})

    assert completion.choices[0].message.content == f'{{"simulator": "{GREETING}", "prompt": "hello"}}'


async def test_a_refusal_has_its_own_field(calls: Calls) -> None:
    asked: list[Any] = [{"role": "user", "content": "[refuse] please"}]
    message = (await calls.chat(model=MODEL, messages=asked)).choices[0].message
    chunks = await calls.chat_stream(model=MODEL, messages=asked)

    assert message.content is None
    assert message.refusal.startswith(GREETING)
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks) == message.refusal


async def test_hidden_reasoning_is_counted_but_not_shown(calls: Calls) -> None:
    asked: list[Any] = [{"role": "user", "content": "[think:5] [hidden] hello"}]
    completion = await calls.chat(model=MODEL, messages=asked)
    message = await calls.messages(model=MODEL, messages=asked, max_tokens=100)

    assert completion.usage.completion_tokens_details.reasoning_tokens == 5
    assert not hasattr(completion.choices[0].message, "reasoning_content")
    assert [block.type for block in message.content] == ["redacted_thinking", "text"]
    assert message.usage.output_tokens_details.thinking_tokens == 5


async def test_the_same_request_gets_the_same_answer(calls: Calls) -> None:
    asked: list[Any] = [{"role": "user", "content": "again [tools:2]"}]
    tools = [
        {"type": "function", "function": {"name": tool.name, "parameters": tool.schema}} for tool in (WEATHER, CLOCK)
    ]
    one = await calls.chat(model=MODEL, messages=asked, tools=tools)
    other = await calls.chat(model=MODEL, messages=asked, tools=tools)

    assert one == other
    assert len({call.id for call in one.choices[0].message.tool_calls}) == 2


class Address(BaseModel):
    street: str
    number: int


class Person(BaseModel):
    name: str
    nickname: str | None
    home: Address
    others: list[Address]


async def test_structured_output_parses_into_the_callers_own_type(simulator: RunningSimulator) -> None:
    async with calls_to(simulator.url, "sk-x", "sync") as both:
        assert isinstance(both.openai, openai.OpenAI)
        completion = both.openai.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Person)

    person = completion.choices[0].message.parsed
    assert person is not None
    assert person.home.number == 7
    assert len(person.others) == 1


# ---- Anthropic messages


async def test_anthropics_stream_helper_builds_the_same_message(simulator: RunningSimulator) -> None:
    asked: Any = {
        "model": MODEL,
        "max_tokens": 2000,
        "messages": [{"role": "user", "content": "hello [think:3] [tool] [text]"}],
        "tools": [{"name": WEATHER.name, "input_schema": WEATHER.schema}],
    }
    async with calls_to(simulator.url, "sk-x", "sync") as both:
        with both.anthropic.messages.stream(**asked) as stream:
            streamed = stream.get_final_message()
        whole = both.anthropic.messages.create(**asked)

    assert [block.type for block in streamed.content] == ["thinking", "text", "tool_use"]
    assert streamed.content[0].thinking == whole.content[0].thinking == "The Turnpike simulator"
    assert streamed.content[1].text == whole.content[1].text
    assert streamed.content[2].input == whole.content[2].input
    assert streamed.usage.output_tokens == whole.usage.output_tokens == 3 + 12 + 5


async def test_a_failed_tool_result_is_called_a_failure(calls: Calls) -> None:
    message = await calls.messages(
        model=MODEL,
        max_tokens=100,
        messages=[
            {"role": "user", "content": "weather?"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "no signal", "is_error": True}],
            },
        ],
    )

    assert message.content[0].text == f"{GREETING} Tool get_weather failed with: no signal You said: weather?"


async def test_the_stop_sequence_that_was_met_is_named(calls: Calls) -> None:
    message = await calls.messages(
        model=MODEL, max_tokens=50, messages=[{"role": "user", "content": "a b c"}], stop_sequences=["zzz", " c"]
    )

    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", " c")
    assert message.content[0].text.endswith("You said: a b")


async def test_cache_writes_are_told_by_their_life(calls: Calls) -> None:
    asked: Any = [{"role": "user", "content": "one two [cached:1] [cache-write:1] [cache-write-1h:2]"}]
    usage = (await calls.messages(model=MODEL, max_tokens=50, messages=asked)).usage

    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.cache_creation_input_tokens) == (1, 1, 3)
    assert (usage.cache_creation.ephemeral_5m_input_tokens, usage.cache_creation.ephemeral_1h_input_tokens) == (1, 2)


async def test_thinking_text_may_be_left_out(calls: Calls) -> None:
    message = await calls.messages(
        model=MODEL, max_tokens=50, messages=HELLO, thinking={"type": "adaptive", "display": "omitted"}
    )

    assert message.content[0].thinking == ""
    assert message.content[0].signature
    assert message.usage.output_tokens_details.thinking_tokens == 12


async def test_counted_tokens_are_the_input_tokens_of_the_answer(calls: Calls) -> None:
    image: Any = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": base64.b64encode(PNG).decode()},
    }
    asked: Any = {
        "model": MODEL,
        "system": "Be kind.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "what is it"}, image]}],
        "tools": [{"name": WEATHER.name, "input_schema": WEATHER.schema}],
    }

    counted = await calls.count_tokens(**asked)
    answered = await calls.messages(max_tokens=10, **asked)

    assert counted.input_tokens == answered.usage.input_tokens == 2 + 3 + 10 + 8


# ---- embeddings


async def test_embeddings_are_the_same_as_floats_and_as_base64(calls: Calls) -> None:
    asked = {"model": "simulator-embedding", "input": ["red fox", "blue sky"], "dimensions": 16}
    floats = await calls.embeddings(encoding_format="float", **asked)
    packed = await calls.embeddings(encoding_format="base64", **asked)

    assert [row.index for row in floats.data] == [0, 1]
    assert all(len(row.embedding) == 16 for row in floats.data)
    for one, other in zip(floats.data, packed.data, strict=True):
        assert list(struct.unpack("<16f", base64.b64decode(other.embedding))) == one.embedding
    assert (floats.usage.prompt_tokens, floats.usage.total_tokens) == (4, 4)


async def test_embeddings_have_length_one_and_related_texts_are_near(calls: Calls) -> None:
    answer = await calls.embeddings(
        model="simulator-embedding", input=["a red fox runs", "the red fox runs", "stocks fell sharply today"]
    )
    one, near, far = (row.embedding for row in answer.data)

    assert len(one) == 256
    assert math.isclose(sum(value * value for value in one), 1.0, rel_tol=1e-5)
    near_by = sum(a * b for a, b in zip(one, near, strict=True))
    far_off = sum(a * b for a, b in zip(one, far, strict=True))
    assert near_by > 0.5 > far_off


async def test_token_ids_are_counted_one_by_one(calls: Calls) -> None:
    single = await calls.embeddings(model="m", input=[1, 2, 3], dimensions=4)
    several = await calls.embeddings(model="m", input=[[1, 2], [3]], dimensions=4)

    assert (len(single.data), single.usage.prompt_tokens) == (1, 3)
    assert (len(several.data), several.usage.prompt_tokens) == (2, 3)


# ---- models


async def test_both_sdks_list_the_same_models(calls: Calls) -> None:
    names = [model.id for model in await calls.openai_models()]

    assert names == ["simulator", "simulator-large", "simulator-embedding"]
    assert [model.id for model in await calls.anthropic_models()] == names
    assert [model.id for model in await calls.anthropic_models(limit=1, after_id="simulator")] == ["simulator-large"]


async def test_any_model_name_can_be_looked_up(calls: Calls) -> None:
    name = "sim/latency=1ms,close"

    assert (await calls.openai_model(name)).id == name
    described = await calls.anthropic_model(name)
    assert (described.id, described.type) == (name, "model")


async def test_a_model_called_missing_is_not_there(calls: Calls) -> None:
    with pytest.raises(openai.NotFoundError):
        await calls.openai_model("missing-model")
