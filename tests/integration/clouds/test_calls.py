"""Callers of OpenAI's and Anthropic's form, with the official SDKs, to models at clouds."""

import base64
import json
import struct
from typing import Any

import anthropic
import openai
import pytest

from tests.support.clouds import PROFILE, add_model
from tests.support.gateway import RunningGateway
from tests.support.sdks import Calls, value_of
from turnpike.simulator.dialects.openai_embeddings import floats

QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "What is this?"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
OPENAI_TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather", "parameters": SCHEMA}}
ANTHROPIC_TOOL = {"name": "weather", "description": "Weather", "input_schema": SCHEMA}
TOOL_QUESTION: list[dict[str, Any]] = [{"role": "user", "content": "[tool] What is the weather?"}]
EVERYWHERE = pytest.mark.parametrize(
    "model",
    [
        "nova", "nova-temporary", "nova-by-key", "claude-at-bedrock", "profile-by-arn", "claude-at-vertex",
        "gemini-at-vertex", "llama-at-vertex", "gpt-at-azure", "gpt-at-azure-classic",
    ],
)  # fmt: skip
TOOLS_AT = pytest.mark.parametrize(
    "model", ["nova", "claude-at-bedrock", "claude-at-vertex", "gemini-at-vertex", "gpt-at-azure"]
)


@EVERYWHERE
async def test_openais_sdk_gets_the_same_answer_whole_and_streamed(
    gateway: RunningGateway, calls: Calls, request_id: str, model: str
) -> None:
    whole = await calls.chat(
        model=model, messages=QUESTION, max_completion_tokens=200, extra_headers={"x-request-id": request_id}
    )
    text = whole.choices[0].message.content
    assert "You said: What is this?" in text
    chunks = await calls.chat_stream(
        model=model, messages=QUESTION, max_completion_tokens=200, stream_options={"include_usage": True}
    )
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == text
    usage = chunks[-1].usage
    assert (usage.prompt_tokens, usage.completion_tokens) == (3, whole.usage.completion_tokens)
    row = gateway.ledger_row(request_id)
    assert row["usage_source"] == "reported"
    assert row["input_tokens"] == 3


@EVERYWHERE
async def test_anthropics_sdk_gets_the_same_answer_whole_and_streamed(calls: Calls, model: str) -> None:
    whole = await calls.messages(model=model, messages=QUESTION, max_tokens=200)
    text = whole.content[0].text
    assert "You said: What is this?" in text
    assert whole.stop_reason == "end_turn"
    events = await calls.messages_stream(model=model, messages=QUESTION, max_tokens=200)
    assert "".join(event.delta.text for event in events if event.type == "content_block_delta") == text
    assert events[-1].type == "message_stop"
    assert next(event for event in events if event.type == "message_delta").usage.output_tokens > 1


@TOOLS_AT
async def test_a_tool_is_called_and_its_result_is_read(calls: Calls, model: str) -> None:
    asked = await calls.chat(model=model, messages=TOOL_QUESTION, tools=[OPENAI_TOOL], max_completion_tokens=200)
    (call,) = asked.choices[0].message.tool_calls
    assert call.function.name == "weather"
    assert asked.choices[0].finish_reason == "tool_calls"
    turn = [
        *TOOL_QUESTION,
        asked.choices[0].message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Rain in the evening"},
    ]
    answer = await calls.chat(model=model, messages=turn, tools=[OPENAI_TOOL], max_completion_tokens=200)
    assert "Tool weather returned: Rain in the evening" in answer.choices[0].message.content


@TOOLS_AT
async def test_a_tool_call_streams_in_anthropics_form(calls: Calls, model: str) -> None:
    events = await calls.messages_stream(model=model, messages=TOOL_QUESTION, tools=[ANTHROPIC_TOOL], max_tokens=200)
    started = next(event for event in events if event.type == "content_block_start")
    assert (started.content_block.type, started.content_block.name) == ("tool_use", "weather")
    pieces = [event.delta.partial_json for event in events if event.type == "content_block_delta"]
    assert "city" in json.loads("".join(pieces))


# ---- what a cloud wants of a body


async def test_anthropics_form_goes_to_bedrock_with_all_that_it_has(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    """Thinking, cache marks, betas and fields that nobody here knows pass; the model stands in the path."""
    await calls.messages(
        model="claude-at-bedrock",
        max_tokens=3000,
        thinking={"type": "enabled", "budget_tokens": 1024},
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=QUESTION,
        extra_body={"a_field_of_tomorrow": {"kept": [1, 2]}},
        extra_headers={"anthropic-beta": "one-2026-01-01, two-2026-02-02", "x-request-id": request_id},
    )
    call = gateway.upstream_call(request_id)
    sent = json.loads(call["body"])
    assert sent["anthropic_version"] == "bedrock-2023-05-31"
    assert sent["anthropic_beta"] == ["one-2026-01-01", "two-2026-02-02"]
    assert sent["a_field_of_tomorrow"] == {"kept": [1, 2]}
    assert sent["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert "model" not in sent
    assert call["model"] == PROFILE


async def test_betas_query_does_not_trouble_vertex(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    async with anthropic.AsyncAnthropic(api_key=gateway.admin_key, base_url=gateway.url, max_retries=0) as client:
        answer = await client.beta.messages.create(
            model="claude-at-vertex",
            max_tokens=50,
            messages=[{"role": "user", "content": "Hello"}],
            betas=["a-beta-2026-01-01"],
            extra_headers={"x-request-id": request_id},
        )
    assert answer.stop_reason == "end_turn"
    sent = json.loads(gateway.upstream_call(request_id)["body"])
    assert sent["anthropic_version"] == "vertex-2023-10-16"


async def test_a_signature_of_thinking_comes_back_from_converse_and_goes_there_again(calls: Calls) -> None:
    asked = [{"role": "user", "content": "[think:4] Think."}]
    answer = await calls.messages(model="nova", messages=asked, max_tokens=500)
    thought = answer.content[0]
    assert (thought.type, bool(thought.signature)) == ("thinking", True)
    turns = [*asked, {"role": "assistant", "content": [one.model_dump() for one in answer.content]}, *QUESTION]
    again = await calls.messages(model="nova", messages=turns, max_tokens=500)
    assert again.stop_reason == "end_turn"


async def test_cache_counts_of_converse_are_counted(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    asked = [{"role": "user", "content": "[cached:2] [cache-write:1] one two three four"}]
    answer = await calls.messages(
        model="nova", messages=asked, max_tokens=100, extra_headers={"x-request-id": request_id}
    )
    assert answer.usage.cache_read_input_tokens == 2
    assert answer.usage.cache_creation_input_tokens == 1
    row = gateway.ledger_row(request_id)
    assert (row["input_tokens"], row["cache_read_tokens"], row["cache_write_tokens"]) == (6, 2, 1)


async def test_what_converse_has_no_word_for_is_refused_by_name(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError, match="frequency_penalty"):
        await calls.chat(model="nova", messages=QUESTION, frequency_penalty=1.0)


# ---- Azure


@pytest.mark.parametrize("model", ["gpt-at-azure", "gpt-at-azure-classic"])
async def test_azures_filter_is_the_callers_error(calls: Calls, model: str) -> None:
    with pytest.raises(openai.BadRequestError, match="content management policy") as raised:
        await calls.chat(model=model, messages=[{"role": "user", "content": "[prompt-filter] no"}])
    assert raised.value.code == "content_filter"


@pytest.mark.parametrize("encoding", ["float", "base64"])
@pytest.mark.parametrize(
    ("model", "inputs", "tokens"),
    [
        ("embed-at-azure", ["one", "two words"], 3),
        ("embed-at-vertex", ["one", "two words"], 3),
        ("titan-embeddings", ["two words"], 2),
        ("cohere-at-bedrock", ["one", "two words"], None),
    ],
)
async def test_embeddings_are_the_clouds_own(
    gateway: RunningGateway,
    calls: Calls,
    request_id: str,
    model: str,
    inputs: list[str],
    tokens: int | None,
    encoding: str,
) -> None:
    answer = await calls.embeddings(
        model=model, input=inputs, dimensions=256, encoding_format=encoding, extra_headers={"x-request-id": request_id}
    )
    vectors = [each.embedding for each in answer.data]
    if encoding == "base64":
        vectors = [struct.unpack("<256f", base64.b64decode(each)) for each in vectors]
    expected = [floats(text.split(), 256) for text in inputs]
    assert [list(each) for each in vectors] == [pytest.approx(each) for each in expected]
    row = gateway.ledger_row(request_id)
    if tokens is None:
        assert row["usage_source"] == "estimated", "Bedrock counts Cohere's in a header only"
    else:
        assert (row["usage_source"], row["input_tokens"]) == ("reported", tokens)


async def test_titan_takes_one_text_at_a_time_and_says_so(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError, match="one input at a time") as raised:
        await calls.embeddings(model="titan-embeddings", input=["one", "two"])
    assert raised.value.param == "input"


@pytest.mark.parametrize("slug", ["azure", "azure-entra"])
async def test_images_and_sound_at_azure(calls: Calls, slug: str) -> None:
    image = await value_of(calls.openai.images.generate(model=f"images-at-{slug}", prompt="a road", size="1024x1024"))
    assert image.data
    speech = await value_of(
        calls.openai.audio.speech.create(model=f"speech-at-{slug}", voice="alloy", input="Hello road")
    )
    heard = await value_of(
        calls.openai.audio.transcriptions.create(
            model=f"hearing-at-{slug}", file=("a.mp3", speech.content, "audio/mpeg")
        )
    )
    assert heard.text


async def test_imagen_at_vertex_makes_images(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    made = await value_of(
        calls.openai.images.generate(
            model="imagen-at-vertex", prompt="a road", n=3, extra_headers={"x-request-id": request_id}
        )
    )
    sent = gateway.upstream_call(request_id)

    assert len([each.b64_json for each in made.data if each.b64_json]) == 3
    assert sent["path"].endswith("/europe-west4/publishers/google/models/imagen-4.0-generate-001:predict")
    assert gateway.ledger_row(request_id)["media"]["images"] == 3


async def test_responses_at_azure_are_passed_on_in_their_own_form(calls: Calls) -> None:
    answer = await calls.responses(model="gpt-at-azure", input="What is this?", store=False)
    assert "You said: What is this?" in answer.output_text


# ---- errors


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, openai.BadRequestError), (404, openai.NotFoundError), (429, openai.RateLimitError),
     (424, openai.InternalServerError), (503, openai.InternalServerError)],
)  # fmt: skip
async def test_bedrocks_errors_are_what_openais_sdk_expects(
    gateway: RunningGateway, calls: Calls, status: int, error: type[Exception]
) -> None:
    name = f"broken-{status}"

    add_model(gateway, "bedrock", name, f"sim/status={status},key={name}")
    gateway.wait_for_model(name)
    with pytest.raises(error):
        await calls.chat(model=name, messages=QUESTION)


@pytest.mark.parametrize(
    ("upstream", "status", "kind"),
    [("anthropic.claude", 429, "rate_limit_error"), ("nova", 429, "rate_limit_error"), ("nova", 424, "api_error")],
)
async def test_an_exception_amid_a_stream_of_bedrocks_is_an_error_of_the_callers_form(
    gateway: RunningGateway, calls: Calls, upstream: str, status: int, kind: str
) -> None:

    name = f"failing-{upstream}-{status}"
    fault = f"sim/error-event=4,status={status},key={name}" + ("-x.anthropic.claude-3" if "claude" in upstream else "")
    add_model(gateway, "bedrock", name, fault)
    gateway.wait_for_model(name)
    with pytest.raises(anthropic.APIStatusError) as raised:
        await calls.messages_stream(model=name, messages=QUESTION, max_tokens=50)
    assert raised.value.body["error"]["type"] == kind  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]


async def test_a_broken_checksum_is_no_clean_end(gateway: RunningGateway, calls: Calls) -> None:

    add_model(gateway, "bedrock", "garbled", "sim/bad-sse")
    gateway.wait_for_model("garbled")
    with pytest.raises(openai.APIError):
        await calls.chat_stream(model="garbled", messages=QUESTION)
