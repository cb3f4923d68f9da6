"""Requests that the vendors refuse are refused in the vendors' own form."""

from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.support.sdks import SYNC_AND_ASYNC, Calls, calls_to
from tests.support.simulator import RunningSimulator, running_simulator

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
TOOL = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
A_CALL = {"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
BAD_CHAT: dict[str, tuple[dict[str, Any], str | None, str | None]] = {
    "no-model": ({"messages": HELLO}, "model", "missing_required_parameter"),
    "no-messages": ({"model": "m"}, "messages", "missing_required_parameter"),
    "empty-messages": ({"model": "m", "messages": []}, "messages", "invalid_value"),
    "messages-no-array": ({"model": "m", "messages": "hi"}, "messages", "invalid_type"),
    "unknown-role": (
        {"model": "m", "messages": [{"role": "boss", "content": "x"}]},
        "messages[0].role",
        "invalid_value",
    ),
    "no-content": ({"model": "m", "messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    "temperature": ({"model": "m", "messages": HELLO, "temperature": 3}, "temperature", "invalid_value"),
    "stream-options": (
        {"model": "m", "messages": HELLO, "stream_options": {"include_usage": True}},
        "stream_options",
        "invalid_value",
    ),
    "orphan-tool-result": (
        {"model": "m", "messages": [*HELLO, {"role": "tool", "tool_call_id": "c9", "content": "x"}]},
        "messages[1]",
        "invalid_value",
    ),
    "unanswered-tool-call": (
        {"model": "m", "messages": [*HELLO, {"role": "assistant", "tool_calls": [A_CALL]}, *HELLO]},
        "messages[2]",
        "invalid_value",
    ),
    "unknown-forced-tool": (
        {
            "model": "m",
            "messages": HELLO,
            "tools": [TOOL],
            "tool_choice": {"type": "function", "function": {"name": "other"}},
        },
        "tool_choice",
        "invalid_value",
    ),
    "broken-image": (
        {
            "model": "m",
            "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "ftp://x"}}]}],
        },
        "messages[0].content[0].image_url.url",
        "invalid_value",
    ),
}
USE = {"type": "tool_use", "id": "t1", "name": "t", "input": {}}
BAD_MESSAGES: dict[str, tuple[dict[str, Any], str]] = {
    "no-model": ({"max_tokens": 5, "messages": HELLO}, "model: Field required"),
    "no-limit": ({"model": "m", "messages": HELLO}, "max_tokens: Field required"),
    "no-messages": ({"model": "m", "max_tokens": 5}, "messages: Field required"),
    "assistant-first": (
        {"model": "m", "max_tokens": 5, "messages": [{"role": "assistant", "content": "x"}]},
        "messages:",
    ),
    "empty-text": (
        {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        "messages.0.content.0.text:",
    ),
    "unanswered-tool-use": (
        {"model": "m", "max_tokens": 5, "messages": [*HELLO, {"role": "assistant", "content": [USE]}, *HELLO]},
        "messages.2:",
    ),
    "orphan-tool-result": (
        {
            "model": "m",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}],
        },
        "messages.0.content.0:",
    ),
    "small-thinking": (
        {"model": "m", "max_tokens": 500, "messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 100}},
        "thinking.budget_tokens:",
    ),
    "thinking-over-limit": (
        {"model": "m", "max_tokens": 500, "messages": HELLO, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "max_tokens:",
    ),
    "blank-stop": ({"model": "m", "max_tokens": 5, "messages": HELLO, "stop_sequences": [" "]}, "stop_sequences.0:"),
    "schema-no-object": (
        {
            "model": "m",
            "max_tokens": 5,
            "messages": HELLO,
            "tools": [{"name": "t", "input_schema": {"type": "string"}}],
        },
        "tools.0.input_schema.type:",
    ),
}
VERSION = {"anthropic-version": "2023-06-01"}


@pytest.mark.parametrize("name", BAD_CHAT)
async def test_a_bad_chat_request_is_refused_as_openai_does(simulator: RunningSimulator, name: str) -> None:
    body, param, code = BAD_CHAT[name]
    answer = httpx2.post(f"{simulator.openai_url}/chat/completions", json=body)

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["type"], error["param"], error["code"]) == ("invalid_request_error", param, code)
    assert param in error["message"]


@pytest.mark.parametrize("name", BAD_MESSAGES)
async def test_a_bad_messages_request_is_refused_as_anthropic_does(simulator: RunningSimulator, name: str) -> None:
    body, message = BAD_MESSAGES[name]
    answer = httpx2.post(f"{simulator.url}/v1/messages", json=body, headers=VERSION)

    assert answer.status_code == 400
    refused = answer.json()
    assert (refused["type"], refused["error"]["type"]) == ("error", "invalid_request_error")
    assert refused["error"]["message"].startswith(message)
    assert refused["request_id"] == answer.headers["request-id"]


async def test_the_sdks_raise_their_own_bad_request(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError, match="temperature"):
        await calls.chat(model="m", messages=HELLO, temperature=7)
    with pytest.raises(anthropic.BadRequestError, match="max_tokens"):
        await calls.messages(model="m", messages=HELLO, max_tokens=0)
    with pytest.raises(openai.BadRequestError, match="input"):
        await calls.embeddings(model="m", input=[])


async def test_a_model_called_missing_does_not_exist(calls: Calls) -> None:
    with pytest.raises(openai.NotFoundError, match="missing-one"):
        await calls.chat(model="missing-one", messages=HELLO)
    with pytest.raises(anthropic.NotFoundError, match="missing-one"):
        await calls.messages(model="missing-one", messages=HELLO, max_tokens=5)
    with pytest.raises(openai.NotFoundError):
        await calls.embeddings(model="missing-one", input="x")


async def test_anthropics_version_header_is_required(simulator: RunningSimulator) -> None:
    answer = httpx2.post(f"{simulator.url}/v1/messages", json={"model": "m", "max_tokens": 5, "messages": HELLO})

    assert answer.status_code == 400
    assert "anthropic-version" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 20_000])
async def test_what_is_no_json_object_is_refused(simulator: RunningSimulator, body: bytes) -> None:
    answer = httpx2.post(f"{simulator.openai_url}/chat/completions", content=body)

    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path", "status"), [("POST", "/v1/nothing", 404), ("GET", "/v1/messages", 405)])
async def test_an_unknown_path_or_method_is_refused(
    simulator: RunningSimulator, method: str, path: str, status: int
) -> None:
    answer = httpx2.request(method, simulator.url + path)

    assert answer.status_code == status
    assert path in answer.json()["error"]["message"]


@pytest.mark.parametrize("kind", SYNC_AND_ASYNC)
async def test_a_wrong_key_is_refused_when_one_is_set(kind: str) -> None:
    with running_simulator(api_key="sk-right") as guarded:
        async with calls_to(guarded.url, "sk-wrong", kind) as wrong:
            with pytest.raises(openai.AuthenticationError):
                await wrong.chat(model="m", messages=HELLO)
            with pytest.raises(anthropic.AuthenticationError):
                await wrong.messages(model="m", messages=HELLO, max_tokens=5)
            with pytest.raises(openai.AuthenticationError):
                await wrong.openai_models()
        async with calls_to(guarded.url, "sk-right", kind) as right:
            assert (await right.chat(model="m", messages=HELLO)).choices
            assert (await right.messages(model="m", messages=HELLO, max_tokens=5)).content
            assert await right.anthropic_models()
