"""OpenAI's Responses through the gateway: its own helpers, its items, and what other providers have no word for."""

import base64
import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from pydantic import BaseModel

from tests.support.cases import GREETING, PERSON, PNG, WEATHER, WEATHER_ARGUMENTS
from tests.support.dialects import DIALECTS
from tests.support.gateway import SIDES, RunningGateway
from tests.support.sdks import Calls, collected, value_of

RESPONSES = SIDES["openai_responses"].model
CHAT = SIDES["openai_chat"].model
CLAUDE = SIDES["anthropic_messages"].model
TOOL: dict[str, Any] = {"type": "function", "name": WEATHER.name, "parameters": WEATHER.schema, "strict": False}
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
EACH = pytest.mark.parametrize("provider", DIALECTS)


class Person(BaseModel):
    name: str
    age: int
    tags: list[str]


# ---- the SDK's own helpers


@EACH
async def test_the_streaming_helper_reads_a_stream_to_its_end(one_kind: Calls, provider: str) -> None:
    client: Any = one_kind.openai
    async with client.responses.stream(model=SIDES[provider].model, input="hello [think:3]") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert final.output_text == f"{GREETING} You said: hello"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"
    assert [item.type for item in final.output] == ["reasoning", "message"]
    assert final.usage.output_tokens_details.reasoning_tokens == 3


@EACH
async def test_a_parsed_answer_is_of_the_callers_type(calls: Calls, provider: str) -> None:
    parsed = await value_of(
        calls.openai.responses.parse(model=SIDES[provider].model, input="a person", text_format=Person)
    )

    assert parsed.output_parsed == Person(name="simulated name", age=7, tags=["simulated tags"])


@EACH
async def test_a_stream_is_parsed_too(one_kind: Calls, provider: str) -> None:
    client: Any = one_kind.openai
    async with client.responses.stream(model=SIDES[provider].model, input="a person", text_format=Person) as stream:
        final = await stream.get_final_response()

    assert final.output_parsed == Person(name="simulated name", age=7, tags=["simulated tags"])


# ---- items


@EACH
async def test_a_tool_loop_goes_round_with_the_sdks_own_items(calls: Calls, provider: str) -> None:
    asked: list[Any] = [{"role": "user", "content": "weather [tool] [think:2]"}]
    common: dict[str, Any] = {
        "model": SIDES[provider].model,
        "tools": [TOOL],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    first = await calls.responses(input=asked, **common)
    (call,) = (item for item in first.output if item.type == "function_call")
    assert json.loads(call.arguments) == WEATHER_ARGUMENTS

    asked += [item.model_dump(exclude_none=True) for item in first.output]
    asked.append({"type": "function_call_output", "call_id": call.call_id, "output": "sunny"})
    second = await calls.responses(input=asked, **common)

    assert f"Tool {WEATHER.name} returned: sunny" in second.output_text


@EACH
async def test_a_caller_of_anthropics_brings_sealed_reasoning_back(calls: Calls, provider: str) -> None:
    """What OpenAI sealed comes back to it unharmed, and a provider is never given what another one sealed."""
    tool: Any = {"name": WEATHER.name, "input_schema": WEATHER.schema}
    common: dict[str, Any] = {"max_tokens": 3000, "tools": [tool]}
    asked: list[Any] = [{"role": "user", "content": "weather [tool] [think:2]"}]
    first = await calls.messages(model=SIDES[provider].model, messages=asked, **common)
    (call,) = (block for block in first.content if block.type == "tool_use")
    asked.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]})
    result: Any = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    asked.append({"role": "user", "content": [result]})

    for other in DIALECTS:
        second = await calls.messages(model=SIDES[other].model, messages=asked, **common)
        assert "returned: sunny" in "".join(block.text for block in second.content if block.type == "text")


async def test_sealed_reasoning_reaches_openai_as_it_left(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    asked: list[Any] = [{"role": "user", "content": "why [think:2] [hidden]"}]
    first = await calls.messages(model=RESPONSES, messages=asked, max_tokens=100)
    (thought,) = (block for block in first.content if block.type == "thinking")
    asked.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in first.content]})
    asked.append({"role": "user", "content": "and now"})
    await calls.messages(model=RESPONSES, messages=asked, max_tokens=100, extra_headers={"x-request-id": request_id})

    sent = json.loads(gateway.upstream_call(request_id)["body"])
    (item,) = (item for item in sent["input"] if item.get("type") == "reasoning")
    assert base64.b64decode(item["encrypted_content"]).startswith(b"simulator ")
    assert item["id"].startswith("rs_sim")
    assert item["encrypted_content"] in thought.signature


@EACH
async def test_images_and_files_go_in(calls: Calls, provider: str) -> None:
    image = "data:image/png;base64," + base64.b64encode(PNG).decode()
    pdf = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.4").decode()
    content: list[Any] = [
        {"type": "input_text", "text": "look"},
        {"type": "input_image", "detail": "auto", "image_url": image},
        {"type": "input_file", "filename": "a.pdf", "file_data": pdf},
    ]
    answer = await calls.responses(model=SIDES[provider].model, input=[{"role": "user", "content": content}])

    assert "You attached 2: image/png" in answer.output_text


@pytest.mark.parametrize("provider", [name for name in DIALECTS if name != "gemini"])  # it cites what it searched
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_citations_reach_a_caller_of_each_dialect(calls: Calls, provider: str, *, stream: bool) -> None:
    model = SIDES[provider].model
    asked: Any = [{"role": "user", "content": "sources [cite]"}]
    if stream:
        events = await calls.responses_stream(model=model, input=asked)
        chunks = await calls.chat_stream(model=model, messages=asked)
        told = await calls.messages_stream(model=model, messages=asked, max_tokens=100)
        annotations = [event.annotation for event in events if event.type.endswith("annotation.added")]
        deltas = [choice.delta.model_extra or {} for chunk in chunks for choice in chunk.choices]
        chatted = [one["url_citation"] for delta in deltas for one in delta.get("annotations", ())]
        cited = [event.delta.citation for event in told if getattr(event, "delta", None) and _cites(event.delta)]
    else:
        annotations = (await calls.responses(model=model, input=asked)).output[0].content[0].annotations
        message = (await calls.chat(model=model, messages=asked)).choices[0].message
        chatted = [one.url_citation.model_dump() for one in message.annotations]
        answered = await calls.messages(model=model, messages=asked, max_tokens=100)
        cited = [one for block in answered.content for one in block.citations or ()]

    urls = [_member(annotations[0], "url"), chatted[0]["url"], cited[0].url]
    assert urls == ["https://example.com/simulated"] * 3
    assert (chatted[0]["start_index"], chatted[0]["end_index"]) == (0, len(GREETING))
    assert len(annotations) == len(chatted) == len(cited) == 1


def _cites(delta: Any) -> bool:
    return getattr(delta, "type", None) == "citations_delta"


def _member(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, dict) else getattr(value, name)


@pytest.mark.parametrize("provider", ["openai_chat", "openai_responses"])
async def test_logprobs_reach_a_caller_of_either_of_openais_dialects(calls: Calls, provider: str) -> None:
    model = SIDES[provider].model
    answer = await calls.responses(model=model, input="hello", top_logprobs=2, include=["message.output_text.logprobs"])
    completion = await calls.chat(model=model, messages=HELLO, logprobs=True, top_logprobs=2)

    for logprobs in (answer.output[0].content[0].logprobs, completion.choices[0].logprobs.content):
        assert [token.token for token in logprobs][:2] == ["This", " is"]
        assert len(logprobs[0].top_logprobs) == 2


# ---- what an answer repeats, and what is kept


@EACH
async def test_an_answer_repeats_its_request_and_is_not_stored(calls: Calls, provider: str) -> None:
    asked: dict[str, Any] = {"instructions": "Be kind.", "metadata": {"a": "b"}, "tools": [TOOL], "store": True}
    asked["model"] = SIDES[provider].model
    whole = await calls.responses(input="hello", **asked)
    streamed = (await calls.responses_stream(input="hello", **asked))[-1].response

    for answer in (whole, streamed):
        assert (answer.instructions, answer.metadata) == ("Be kind.", {"a": "b"})
        assert [tool.name for tool in answer.tools] == [WEATHER.name]
        assert (answer.model_extra or {})["store"] is (provider == "openai_responses")


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"background": True}, "background"),
        ({"truncation": "auto"}, "truncation"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "custom", "name": "x"}]}, "tools[0].type"),
        ({"input": [{"type": "local_shell_call", "id": "l"}]}, "messages[0].content[0].type"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("model", [CHAT, CLAUDE])
async def test_what_another_provider_cannot_say_is_refused_by_name(
    calls: Calls, model: str, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        await calls.responses(**{"model": model, "input": "hello", **more})

    assert caught.value.param == param
    assert caught.value.code == "not_expressible"


@pytest.mark.parametrize(
    "more",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"id": "msg_1"}]},
    ],
    ids=str,
)
@pytest.mark.parametrize("model", [CHAT, CLAUDE, RESPONSES])
async def test_what_nobody_stored_cannot_be_continued(calls: Calls, model: str, more: dict[str, Any]) -> None:
    with pytest.raises(openai.NotFoundError, match="No object"):
        await calls.responses(**{"model": model, "input": "hello", **more})


async def test_stop_sequences_are_refused_where_responses_is_all_there_is(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError) as by_openai:
        await calls.chat(model=RESPONSES, messages=HELLO, stop=["x"])
    with pytest.raises(anthropic.BadRequestError, match="stop"):
        await calls.messages(model=RESPONSES, messages=HELLO, max_tokens=5, stop_sequences=["x"])

    assert by_openai.value.param == "stop"


async def test_built_in_tools_pass_within_the_dialect(calls: Calls) -> None:
    asked: Any = {"model": RESPONSES, "input": "news [tool:web_search]", "tools": [{"type": "web_search"}]}
    whole = await calls.responses(**asked)
    events = await calls.responses_stream(**asked)

    assert [item.type for item in whole.output] == ["web_search_call", "message"]
    assert "response.web_search_call.searching" in [event.type for event in events]


async def test_tokens_are_counted(calls: Calls) -> None:
    counted = await value_of(
        calls.openai.responses.input_tokens.count(model=CHAT, input="one two three", instructions="be kind")
    )

    assert (counted.input_tokens, counted.object) == (5, "response.input_tokens")


# ---- bytes and errors


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_unknown_fields_and_every_byte_pass_within_the_dialect(
    gateway: RunningGateway, caller_key: str, request_id: str, *, stream: bool
) -> None:
    body = (
        '{ "vendor_field" : {"deep": [1, 2.50, "\\u00e9"]},\n "model": "MODEL", "input": "hi", "stream": STREAM }'
    ).replace("STREAM", json.dumps(stream))
    headers = {"authorization": f"Bearer {caller_key}", "x-request-id": request_id, "content-type": "application/json"}
    through = httpx2.post(
        f"{gateway.url}/v1/responses", content=body.replace("MODEL", RESPONSES), headers=headers, timeout=20
    )
    sent = body.replace("MODEL", "simulator")
    straight = httpx2.post(f"{gateway.simulator.url}/v1/responses", content=sent, timeout=20)

    assert gateway.upstream_call(request_id)["body"] == sent
    assert through.content == straight.content
    row = gateway.ledger_row(request_id)
    assert (row["input_tokens"], row["output_tokens"]) == (1, 12)


@EACH
async def test_errors_raise_what_people_expect(calls: Calls, provider: str) -> None:
    model = SIDES[provider].model
    with pytest.raises(openai.BadRequestError):
        await calls.responses(model=model, input="x", top_p=3)
    with pytest.raises(openai.NotFoundError):
        await calls.responses(model="chat-by-opnai", input="x")
    with pytest.raises(openai.BadRequestError, match="input"):
        await calls.responses(model=model, input=[{"type": "message", "content": "x"}])


async def test_a_schema_of_an_answer_is_that_of_the_caller(calls: Calls) -> None:
    form: Any = {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}
    events = await collected(
        await value_of(calls.openai.responses.create(model=CLAUDE, input="x", text={"format": form}, stream=True))
    )

    assert json.loads(events[-1].response.output_text)["age"] == 7
    assert events[-1].response.text.format.name == "person"
