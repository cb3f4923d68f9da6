"""Google's own SDK against the gateway, whatever the provider speaks, and other SDKs against a Gemini provider."""

import json
import struct
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google.genai import errors, types
from pydantic import BaseModel

from tests.support.cases import GREETING, PNG, WEATHER
from tests.support.dialects import DIALECTS
from tests.support.gateway import (
    EMBEDDING_MODEL,
    GEMINI_EMBEDDING_MODEL,
    SIDES,
    UPSTREAM_KEY,
    UPSTREAM_MODEL,
    RunningGateway,
)
from tests.support.sdks import Calls, calls_to, gemini_client

GEMINI = SIDES["gemini"].model
OPENAI = SIDES["openai_chat"].model
ANTHROPIC = SIDES["anthropic_messages"].model
HELLO = [{"role": "user", "parts": [{"text": "hello"}]}]
EVERY_PROVIDER = pytest.mark.parametrize("provider", DIALECTS, ids=lambda name: f"to-{name}")


def post(
    gateway: RunningGateway, key: str, path: str, body: Any, request_id: str = "", **headers: str
) -> httpx2.Response:
    sent = {"x-goog-api-key": key, **({"x-request-id": request_id} if request_id else {}), **headers}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx2.post(gateway.url + path, content=content, headers=sent, timeout=20)


# ---- what the SDK does for its callers


class Person(BaseModel):
    name: str
    age: int


@EVERY_PROVIDER
async def test_structured_output_parses_into_the_callers_type(calls: Calls, provider: str) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=Person, max_output_tokens=100
    )
    answer = await calls.generate(model=SIDES[provider].model, contents="a person", config=config)

    assert answer.parsed == Person(name="simulated name", age=7)


@EVERY_PROVIDER
async def test_functions_are_called_and_their_results_sent_back_by_the_sdk(
    gateway: RunningGateway, caller_key: str, provider: str
) -> None:
    asked: list[tuple[str, int]] = []

    def get_weather(city: str, days: int) -> str:
        """Weather at a place."""
        asked.append((city, days))
        return f"rain for {days} days"

    client = gemini_client(gateway.url, caller_key)
    chat = client.chats.create(
        model=SIDES[provider].model,
        config=types.GenerateContentConfig(tools=[get_weather], max_output_tokens=500),
    )
    answer = chat.send_message("weather? [tools:2]")

    assert asked == [("simulated city", 7)] * 2
    said = "Tool get_weather returned: rain for 7 days"
    assert answer.text == f"{GREETING} {said} {said} You said: weather?"


@EVERY_PROVIDER
async def test_a_chat_streams_and_remembers(gateway: RunningGateway, caller_key: str, provider: str) -> None:
    client = gemini_client(gateway.url, caller_key)
    chat = client.chats.create(
        model=SIDES[provider].model, config=types.GenerateContentConfig(system_instruction="Be kind.")
    )
    first = "".join(chunk.text or "" for chunk in chat.send_message_stream("one [think:3]"))
    second = "".join(chunk.text or "" for chunk in chat.send_message_stream("two"))

    assert first == f"{GREETING} Your system prompt: Be kind. You said: one"
    assert "This is turn 2." in second


@EVERY_PROVIDER
async def test_an_image_goes_in(calls: Calls, provider: str) -> None:
    contents = ["what is this", types.Part.from_bytes(data=PNG, mime_type="image/png")]
    answer = await calls.generate(model=SIDES[provider].model, contents=contents)

    assert f"image/png of {len(PNG)} bytes" in answer.text


@pytest.mark.parametrize("model", [EMBEDDING_MODEL, GEMINI_EMBEDDING_MODEL])
async def test_embeddings_come_from_either_provider(calls: Calls, model: str) -> None:
    texts = ["red fox", "blue sky"]
    answer = await calls.gemini_embeddings(
        model=model, contents=texts, config=types.EmbedContentConfig(output_dimensionality=8)
    )
    by_openai = await calls.embeddings(model=model, input=texts, dimensions=8, encoding_format="float")

    vectors = [each.values for each in answer.embeddings]
    expected = [each.embedding for each in by_openai.data]
    packed = [[struct.pack("<f", value) for value in vector] for vector in (*vectors, *expected)]
    assert packed[:2] == packed[2:]
    assert answer.usage_metadata.prompt_token_count == by_openai.usage.prompt_tokens == 4


@pytest.mark.parametrize("model", [EMBEDDING_MODEL, GEMINI_EMBEDDING_MODEL])
@pytest.mark.parametrize("version", ["v1", "v1beta"])
def test_one_content_is_embedded(gateway: RunningGateway, caller_key: str, model: str, version: str) -> None:
    body = {"model": f"models/{model}", "content": {"parts": [{"text": "red fox"}]}, "output_dimensionality": 4}
    answer = post(gateway, caller_key, f"/{version}/models/{model}:embedContent", body)

    assert answer.status_code == 200, answer.text
    assert len(answer.json()["embedding"]["values"]) == 4


@pytest.mark.parametrize("model", [GEMINI, ANTHROPIC])
async def test_tokens_are_counted_wherever_both_sides_can(calls: Calls, model: str) -> None:
    counted = await calls.gemini_count(model=model, contents="one two three")
    by_anthropic = await calls.count_tokens(model=model, messages=[{"role": "user", "content": "one two three"}])

    assert counted.total_tokens == by_anthropic.input_tokens == 3


def test_a_whole_request_is_counted(gateway: RunningGateway, caller_key: str) -> None:
    for model in (GEMINI, ANTHROPIC):
        inner = {"model": f"models/{model}", "systemInstruction": {"parts": [{"text": "Be kind."}]}, "contents": HELLO}
        answer = post(gateway, caller_key, f"/v1beta/models/{model}:countTokens", {"generate_content_request": inner})
        assert answer.json()["totalTokens"] == 3, answer.text


async def test_a_count_by_anthropics_sdk_reaches_gemini_whole(calls: Calls) -> None:
    tools: Any = [{"name": WEATHER.name, "input_schema": WEATHER.schema}]
    asked: Any = {"system": "Be kind.", "messages": [{"role": "user", "content": "hello"}], "tools": tools}
    assert (await calls.count_tokens(model=GEMINI, **asked)).input_tokens == 3 + 8


# ---- lists of models


async def test_the_list_of_models_is_followed_page_by_page(calls: Calls) -> None:
    at_once = await calls.gemini_models(page_size=1000)
    by_two = await calls.gemini_models(page_size=2)
    one = await calls.gemini_model(GEMINI)

    names = [model.name for model in at_once]
    assert names == [model.name for model in by_two]
    assert {f"models/{name}" for name in (GEMINI, OPENAI, ANTHROPIC, GEMINI_EMBEDDING_MODEL)} <= set(names)
    assert one.name == f"models/{GEMINI}"
    assert "generateContent" in one.supported_actions
    embeds = next(model for model in at_once if model.name == f"models/{GEMINI_EMBEDDING_MODEL}")
    assert embeds.supported_actions == ["embedContent", "batchEmbedContents"]


def test_a_page_token_of_our_own_making_is_refused(gateway: RunningGateway, caller_key: str) -> None:
    for query in ("pageToken=x", "pageToken=eHg", "pageSize=many"):
        answer = httpx2.get(f"{gateway.url}/v1beta/models?{query}", headers={"x-goog-api-key": caller_key})
        assert answer.status_code == 400
        assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"


def test_models_are_synced_from_geminis_list(gateway: RunningGateway) -> None:
    provider = gateway.providers["sim-gemini"]
    assert gateway.api("POST", f"/ai/providers/{provider}/test", {})["ok"] is True
    gateway.api("POST", f"/ai/providers/{provider}/sync-models", {"only": ["simulator-*"], "activate": False})
    synced = {model["model_id"]: model for model in gateway.api("GET", "/ai/models", provider="sim-gemini")}

    assert synced["simulator-large"]["capabilities"] == ["chat"]
    assert synced["simulator-large"]["context_window"] == 1_048_576
    assert synced["simulator-embedding"]["capabilities"] == ["embeddings"]


# ---- both key styles, both versions, both framings, both spellings


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize("style", ["header", "query", "bearer"])
def test_every_way_to_send_a_key_works_and_none_goes_upstream(
    gateway: RunningGateway, caller_key: str, version: str, style: str, request_id: str
) -> None:
    query = f"?key={caller_key}" if style == "query" else ""
    headers = {"header": {"x-goog-api-key": caller_key}, "bearer": {"authorization": f"Bearer {caller_key}"}}
    answer = httpx2.post(
        f"{gateway.url}/{version}/models/{GEMINI}:generateContent{query}",
        json={"contents": HELLO},
        headers={**headers.get(style, {}), "x-request-id": request_id},
    )
    assert answer.status_code == 200, answer.text
    call = gateway.upstream_call(request_id)
    assert call["path"] == f"/v1beta/models/{UPSTREAM_MODEL}:generateContent"
    assert call["key_hint"] == UPSTREAM_KEY[-4:]
    assert caller_key not in json.dumps(call)


@EVERY_PROVIDER
def test_a_stream_is_an_array_for_who_does_not_ask_for_events(
    gateway: RunningGateway, caller_key: str, provider: str, request_id: str
) -> None:
    path = f"/v1beta/models/{SIDES[provider].model}:streamGenerateContent"
    array = post(gateway, caller_key, path, {"contents": HELLO}, request_id)
    events = post(gateway, caller_key, path + "?alt=sse", {"contents": HELLO})

    assert array.headers["content-type"].startswith("application/json")
    assert events.headers["content-type"].startswith("text/event-stream")
    chunks = array.json()
    assert "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks) == (
        f"{GREETING} You said: hello"
    )
    assert chunks[-1]["usageMetadata"]["totalTokenCount"] == 13
    assert len(events.text.strip().splitlines()) >= len(chunks)
    assert gateway.ledger_row(request_id)["output_tokens"] == 12


@pytest.mark.parametrize("provider", [name for name in DIALECTS if name != "openai_responses"])  # it has no stops
def test_snake_case_is_understood(gateway: RunningGateway, caller_key: str, provider: str) -> None:
    body = {
        "system_instruction": {"parts": {"text": "Be brief."}},
        "contents": {"parts": {"text": "alpha STOP beta"}},
        "generation_config": {"stop_sequences": ["STOP"], "max_output_tokens": 50},
    }
    answer = post(gateway, caller_key, f"/v1beta/models/{SIDES[provider].model}:generateContent", body)

    said = answer.json()["candidates"][0]["content"]["parts"][0]["text"]
    assert said == f"{GREETING} Your system prompt: Be brief. You said: alpha "


def test_in_its_own_dialect_a_body_passes_byte_for_byte(
    gateway: RunningGateway, caller_key: str, request_id: str
) -> None:
    body = b'{ "contents":[{"parts":[ {"text":"hi"} ]}],  "vendorField" : {"deep": [1, 2.50, "\\u00e9"]} }'
    for verb in ("generateContent", "streamGenerateContent?alt=sse&x=1"):
        answer = post(gateway, caller_key, f"/v1beta/models/{GEMINI}:{verb}", body, f"{request_id}-{verb[:1]}")
        assert answer.status_code == 200
        received = gateway.upstream_call(f"{request_id}-{verb[:1]}")
        assert received["body"] == body.decode()


def test_a_body_that_names_another_model_than_its_path_is_refused(gateway: RunningGateway, caller_key: str) -> None:
    path = f"/v1beta/models/{GEMINI}"
    bodies = {
        f"{path}:generateContent": {"model": f"models/{OPENAI}", "contents": HELLO},
        f"{path}:countTokens": {"generateContentRequest": {"model": f"models/{OPENAI}", "contents": HELLO}},
        f"/v1/models/{GEMINI_EMBEDDING_MODEL}:batchEmbedContents": {
            "requests": [{"model": "models/other", "content": {"parts": [{"text": "x"}]}}]
        },
    }
    for where, body in bodies.items():
        answer = post(gateway, caller_key, where, body)
        assert answer.status_code == 400, answer.text
        assert "model" in answer.json()["error"]["message"]


def test_a_body_that_repeats_its_model_gets_the_providers_name_for_it(
    gateway: RunningGateway, caller_key: str, request_id: str
) -> None:
    body = {"model": f"models/{GEMINI}", "contents": HELLO}
    assert post(gateway, caller_key, f"/v1beta/models/{GEMINI}:generateContent", body, request_id).status_code == 200
    assert json.loads(gateway.upstream_call(request_id)["body"])["model"] == f"models/{UPSTREAM_MODEL}"


# ---- what only Gemini can say, and what it cannot


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_googles_own_tools_stay_within_its_dialect(calls: Calls, *, stream: bool) -> None:
    config = types.GenerateContentConfig(tools=[types.Tool(google_search=types.GoogleSearch())])
    ask = calls.generate_stream if stream else calls.generate
    answer = await ask(model=GEMINI, contents="hello", config=config)
    last = answer[-1] if stream else answer

    assert last.candidates[0].grounding_metadata.grounding_chunks[0].web.uri == "https://example.com/turnpike"
    for model in (OPENAI, ANTHROPIC):
        with pytest.raises(errors.ClientError, match=r"oogle|tools") as caught:
            await calls.generate(model=model, contents="hello", config=config)
        assert caught.value.code == 400


async def test_a_search_is_counted_in_the_ledger(calls: Calls, gateway: RunningGateway, request_id: str) -> None:
    config = types.GenerateContentConfig(
        tools=[types.Tool(google_search=types.GoogleSearch())],
        http_options=types.HttpOptions(headers={"x-request-id": request_id}),
    )
    await calls.generate(model=GEMINI, contents="hello", config=config)
    assert gateway.ledger_row(request_id)["web_searches"] == 1


@pytest.mark.parametrize("model", [OPENAI, ANTHROPIC])
async def test_several_candidates_stay_within_its_dialect(calls: Calls, model: str) -> None:
    with pytest.raises(errors.ClientError, match="candidateCount"):
        await calls.generate(model=model, contents="hello", config=types.GenerateContentConfig(candidate_count=2))


async def test_one_call_at_a_time_cannot_be_asked_of_gemini(
    gateway: RunningGateway, calls: Calls, request_id: str
) -> None:
    tools: Any = [{"type": "function", "function": {"name": WEATHER.name, "parameters": WEATHER.schema}}]
    asked: Any = {
        "model": GEMINI,
        "messages": [{"role": "user", "content": "x [tool]"}],
        "tools": tools,
        "parallel_tool_calls": False,
    }
    with pytest.raises(openai.BadRequestError) as caught:
        await calls.chat(**asked, extra_headers={"x-request-id": request_id})
    assert caught.value.param == "parallel_tool_calls"
    assert gateway.simulator.calls_of(request_id) == []

    dropped = await calls.chat(**asked, extra_headers={"x-turnpike-drop-unsupported": "true"})
    assert dropped.choices[0].finish_reason == "tool_calls"


async def test_a_blocked_prompt_is_a_refusal_in_every_dialect(calls: Calls) -> None:
    own = await calls.generate(model=GEMINI, contents="[refuse] please")
    by_openai = await calls.chat(model=GEMINI, messages=[{"role": "user", "content": "[refuse] please"}])
    by_anthropic = await calls.messages(
        model=GEMINI, messages=[{"role": "user", "content": "[refuse] please"}], max_tokens=50
    )

    assert own.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    assert by_openai.choices[0].finish_reason == "content_filter"
    assert by_anthropic.stop_reason == "refusal"


async def test_a_providers_calls_without_ids_get_ids_that_come_back(gateway: RunningGateway, one_kind: Calls) -> None:
    gateway.add_model("sim-gemini", "gemini-without-ids", "simulator-no-ids")
    tools: Any = [{"type": "function", "function": {"name": WEATHER.name, "parameters": WEATHER.schema}}]
    messages: list[Any] = [{"role": "user", "content": "weather? [tools:2]"}]
    first = (await one_kind.chat(model="gemini-without-ids", messages=messages, tools=tools)).choices[0].message
    made = [call.id for call in first.tool_calls]
    assert len(set(made)) == 2
    messages.append(first.model_dump(exclude_none=True))
    results = [{"role": "tool", "tool_call_id": call_id, "content": f"result {i}"} for i, call_id in enumerate(made)]
    messages += reversed(results)
    second = (await one_kind.chat(model="gemini-without-ids", messages=messages, tools=tools)).choices[0].message

    assert "returned: result 0 Tool get_weather returned: result 1" in second.content


# ---- errors


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_sdk_raises_what_its_callers_expect(gateway: RunningGateway, kind: str) -> None:
    async with calls_to(gateway.url, "tp-no-such-key-0123456789abcdef", kind) as calls:
        with pytest.raises(errors.ClientError) as bad_key:
            await calls.generate(model=GEMINI, contents="hello")
        with pytest.raises(errors.ClientError) as bad_stream:
            await calls.generate_stream(model=GEMINI, contents="hello")
        with pytest.raises(errors.ClientError) as bad_list:
            await calls.gemini_models()
    for caught in (bad_key, bad_stream, bad_list):
        assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")


async def test_an_unknown_model_and_a_wrong_model_are_told(calls: Calls) -> None:
    with pytest.raises(errors.ClientError, match=GEMINI) as unknown:
        await calls.generate(model="chat-by-gemni", contents="hello")
    with pytest.raises(errors.ClientError, match=GEMINI_EMBEDDING_MODEL) as wrong:
        await calls.gemini_embeddings(model=GEMINI, contents="hello")
    with pytest.raises(errors.ClientError) as missing:
        await calls.gemini_model("no-such-model")

    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")
    assert (wrong.value.code, wrong.value.status) == (400, "INVALID_ARGUMENT")
    assert (missing.value.code, missing.value.status) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("status", "word", "error"),
    [
        (400, "INVALID_ARGUMENT", errors.ClientError),
        (403, "PERMISSION_DENIED", errors.ClientError),
        (404, "NOT_FOUND", errors.ClientError),
        (429, "RESOURCE_EXHAUSTED", errors.ClientError),
        (500, "INTERNAL", errors.ServerError),
        (503, "UNAVAILABLE", errors.ServerError),
        (504, "DEADLINE_EXCEEDED", errors.ServerError),
    ],
)
@pytest.mark.parametrize("provider", ["gemini", "openai_chat"])
async def test_a_providers_error_keeps_its_status_and_gets_googles_word(
    one_kind: Calls, faulty_model: Any, provider: str, status: int, word: str, error: type[errors.APIError]
) -> None:
    model = faulty_model(SIDES[provider].slug, f"status={status}")
    with pytest.raises(error) as caught:
        await one_kind.generate(model=model, contents="hello")

    assert (caught.value.code, caught.value.status) == (status, word)


async def test_retry_after_reaches_the_caller_in_googles_words(one_kind: Calls, faulty_model: Any) -> None:
    with pytest.raises(errors.ClientError) as caught:
        await one_kind.generate(model=faulty_model("sim-gemini", "retry-after=7"), contents="hello")
    details = caught.value.details["error"]["details"]
    assert [each["retryDelay"] for each in details if "RetryInfo" in each["@type"]] == ["7s"]


@pytest.mark.parametrize("fault", ["error-event=3", "cut=3", "no-end"])
@EVERY_PROVIDER
async def test_a_stream_that_breaks_raises(one_kind: Calls, faulty_model: Any, provider: str, fault: str) -> None:
    model = faulty_model(SIDES[provider].slug, fault)
    if fault == "no-end" and provider == "openai_chat":
        pytest.skip("its last event is only an end marker, and the gateway asks for no more than that")
    with pytest.raises(errors.APIError) as caught:
        await one_kind.generate_stream(model=model, contents="hello")
    assert caught.value.code in {502, 503, 529}


@pytest.mark.parametrize("fault", ["error-event=6", "cut=6"])
@EVERY_PROVIDER
def test_an_array_that_breaks_ends_in_an_error(
    gateway: RunningGateway, caller_key: str, faulty_model: Any, provider: str, fault: str
) -> None:
    model = faulty_model(SIDES[provider].slug, fault)
    answer = post(gateway, caller_key, f"/v1beta/models/{model}:streamGenerateContent", {"contents": HELLO})
    *chunks, last = answer.json()
    assert chunks
    assert last["error"]["code"] in {502, 503, 529}


@pytest.mark.parametrize("fault", ["cut=3", "error-event=3"])
async def test_other_sdks_see_a_broken_gemini_stream(one_kind: Calls, faulty_model: Any, fault: str) -> None:
    model = faulty_model("sim-gemini", fault)
    hello: Any = [{"role": "user", "content": "hello"}]
    with pytest.raises(openai.APIError):
        await one_kind.chat_stream(model=model, messages=hello)
    with pytest.raises(anthropic.APIError):
        await one_kind.messages_stream(model=model, messages=hello, max_tokens=50)


def test_unknown_paths_and_methods_answer_in_googles_form(gateway: RunningGateway, caller_key: str) -> None:
    unknown = post(gateway, caller_key, f"/v1beta/models/{GEMINI}:dream", {"contents": HELLO})
    wrong = httpx2.get(f"{gateway.url}/v1beta/models/{GEMINI}:generateContent", headers={"x-goog-api-key": caller_key})
    broken = post(gateway, caller_key, f"/v1/models/{GEMINI}:generateContent", b'{"contents": [}')

    assert (unknown.status_code, unknown.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert "passthrough" in unknown.json()["error"]["message"]
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert "byte 14" in broken.json()["error"]["message"]
    assert broken.json()["error"]["status"] == "INVALID_ARGUMENT"
