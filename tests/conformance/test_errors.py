"""What the gateway refuses, it refuses in the caller's dialect, by the SDK's own exception, and says what is right."""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.support.gateway import EMBEDDING_MODEL, SIDES, RunningGateway, wait_for
from tests.support.sdks import SYNC_AND_ASYNC, Calls, calls_to

HELLO: list[Any] = [{"role": "user", "content": "hello"}]
OPENAI = SIDES["openai_chat"].model
ANTHROPIC = SIDES["anthropic_messages"].model
BAD_KEY = "tp-this-key-does-not-exist-0123456789"
VERSION = {"anthropic-version": "2023-06-01"}


def error_of(caught: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    """The error object of either API's body."""
    body = caught.value.response.json()
    if isinstance(caught.value, anthropic.APIStatusError):
        assert body["type"] == "error"
    assert set(body) >= {"error"}
    return body["error"]


# ---- keys


@pytest.mark.parametrize("kind", SYNC_AND_ASYNC)
async def test_an_unknown_key_is_401_and_not_repeated(gateway: RunningGateway, kind: str) -> None:
    async with calls_to(gateway.url, BAD_KEY, kind) as calls:
        with pytest.raises(openai.AuthenticationError) as by_openai:
            await calls.chat(model=OPENAI, messages=HELLO)
        with pytest.raises(anthropic.AuthenticationError) as by_anthropic:
            await calls.messages(model=OPENAI, messages=HELLO, max_tokens=5)
        with pytest.raises(openai.AuthenticationError):
            await calls.embeddings(model=EMBEDDING_MODEL, input="x")
        with pytest.raises(openai.AuthenticationError):
            await calls.openai_models()
        with pytest.raises(anthropic.AuthenticationError):
            await calls.anthropic_models()

    assert error_of(by_anthropic)["type"] == "authentication_error"
    for caught in (by_openai, by_anthropic):
        assert BAD_KEY not in caught.value.response.text
        assert "does-not-exist" not in caught.value.response.text


async def test_no_key_is_401(gateway: RunningGateway) -> None:
    answer = httpx2.post(f"{gateway.url}/v1/chat/completions", json={"model": OPENAI, "messages": HELLO})

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "key" in answer.json()["error"]["message"].lower()


async def test_a_revoked_key_is_unknown_within_a_second(gateway: RunningGateway) -> None:
    made = gateway.api("POST", "/keys", {"name": "to-be-revoked"})
    async with calls_to(gateway.url, made["key"], "async") as calls:
        assert (await calls.chat(model=OPENAI, messages=HELLO)).choices
        gateway.api("DELETE", f"/keys/{made['id']}")

        def refused() -> bool | None:
            answer = httpx2.get(f"{gateway.url}/v1/models", headers={"authorization": f"Bearer {made['key']}"})
            return True if answer.status_code == 401 else None

        assert wait_for("the key is unknown", refused)
        with pytest.raises(openai.AuthenticationError):
            await calls.chat(model=OPENAI, messages=HELLO)


@pytest.mark.parametrize("kind", SYNC_AND_ASYNC)
async def test_a_missing_scope_is_403_and_named(gateway: RunningGateway, kind: str) -> None:
    key = gateway.create_key(f"no-text-{kind}", scopes=["models:read"])
    async with calls_to(gateway.url, key, kind) as calls:
        assert await calls.openai_models()
        with pytest.raises(openai.PermissionDeniedError, match="inference:text"):
            await calls.chat(model=OPENAI, messages=HELLO)
        with pytest.raises(anthropic.PermissionDeniedError, match="inference:text") as caught:
            await calls.messages(model=OPENAI, messages=HELLO, max_tokens=5)
        with pytest.raises(openai.PermissionDeniedError, match="embeddings"):
            await calls.embeddings(model=EMBEDDING_MODEL, input="x")

    assert error_of(caught)["type"] == "permission_error"


@pytest.mark.parametrize("kind", SYNC_AND_ASYNC)
async def test_a_forbidden_model_is_403_and_named(gateway: RunningGateway, kind: str) -> None:
    key = gateway.create_key(f"one-model-{kind}", models=[OPENAI])
    async with calls_to(gateway.url, key, kind) as calls:
        assert (await calls.chat(model=OPENAI, messages=HELLO)).choices
        with pytest.raises(openai.PermissionDeniedError, match=ANTHROPIC):
            await calls.chat(model=ANTHROPIC, messages=HELLO)
        with pytest.raises(anthropic.PermissionDeniedError, match=ANTHROPIC):
            await calls.messages(model=ANTHROPIC, messages=HELLO, max_tokens=5)


# ---- models


async def test_an_unknown_model_is_404_and_names_the_nearest(calls: Calls) -> None:
    with pytest.raises(openai.NotFoundError) as by_openai:
        await calls.chat(model="chat-by-opnai", messages=HELLO)
    with pytest.raises(anthropic.NotFoundError) as by_anthropic:
        await calls.messages(model="chat-by-opnai", messages=HELLO, max_tokens=5)

    assert error_of(by_openai)["code"] == "model_not_found"
    assert error_of(by_anthropic)["type"] == "not_found_error"
    for caught in (by_openai, by_anthropic):
        assert "chat-by-opnai" in error_of(caught)["message"]
        assert OPENAI in error_of(caught)["message"]


async def test_nearest_models_are_only_those_of_the_key(gateway: RunningGateway) -> None:
    key = gateway.create_key("narrow", models=[ANTHROPIC])
    async with calls_to(gateway.url, key, "async") as calls:
        with pytest.raises(openai.NotFoundError) as caught:
            await calls.chat(model="chat-by-opnai", messages=HELLO)

    assert OPENAI not in caught.value.response.text


async def test_a_model_that_cannot_do_it_is_400_and_names_those_that_can(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError, match=EMBEDDING_MODEL) as by_openai:
        await calls.embeddings(model=OPENAI, input="x")
    with pytest.raises(anthropic.BadRequestError, match=OPENAI) as by_anthropic:
        await calls.messages(model=EMBEDDING_MODEL, messages=HELLO, max_tokens=5)

    assert error_of(by_openai)["type"] == "invalid_request_error"
    assert error_of(by_anthropic)["type"] == "invalid_request_error"


# ---- bodies


def post(gateway: RunningGateway, key: str, path: str, body: bytes) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", **VERSION}
    return httpx2.post(gateway.url + path, content=body, headers=headers, timeout=20)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"])
async def test_what_is_not_json_is_400_with_the_position(gateway: RunningGateway, caller_key: str, path: str) -> None:
    answer = post(gateway, caller_key, path, b'{"model": "x", "messages": [}')

    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["type"] == "invalid_request_error"
    assert "28" in error["message"], "the position of the stray brace"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/embeddings"])
async def test_a_missing_model_is_400_and_named(gateway: RunningGateway, caller_key: str, path: str) -> None:
    answer = post(gateway, caller_key, path, json.dumps({"messages": HELLO, "max_tokens": 5, "input": "x"}).encode())

    assert answer.status_code == 400
    assert "model" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_two_models_in_one_body_are_400(gateway: RunningGateway, caller_key: str, path: str) -> None:
    body = f'{{"model": "{OPENAI}", "messages": [], "max_tokens": 5, "model": "{ANTHROPIC}"}}'
    answer = post(gateway, caller_key, path, body.encode())

    assert answer.status_code == 400
    assert "model" in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
async def test_a_body_too_large_is_413_and_says_the_limit(gateway: RunningGateway, caller_key: str, path: str) -> None:
    body = b'{"model": "x", "pad": "' + b"x" * (33 * 1024 * 1024) + b'"}'
    answer = post(gateway, caller_key, path, body)

    assert answer.status_code == 413
    assert str(32 * 1024 * 1024) in answer.json()["error"]["message"]


async def test_a_path_that_is_passed_through_is_closed_to_a_key_without_its_scope(
    gateway: RunningGateway, caller_key: str
) -> None:
    answer = post(gateway, caller_key, "/v1/nothing/here", b"{}")

    assert answer.status_code == 403
    assert "passthrough" in answer.json()["error"]["message"]


async def test_every_error_has_a_request_id(gateway: RunningGateway, caller_key: str) -> None:
    answer = post(gateway, caller_key, "/v1/messages", b"{")

    assert answer.headers["x-request-id"]
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


# ---- what the provider refuses


async def test_the_providers_own_refusal_comes_through(calls: Calls) -> None:
    with pytest.raises(openai.BadRequestError) as same:
        await calls.chat(model=OPENAI, messages=HELLO, temperature=5)
    with pytest.raises(anthropic.BadRequestError) as own:
        await calls.messages(model=ANTHROPIC, messages=HELLO, max_tokens=5, extra_body={"temperature": 3})
    with pytest.raises(anthropic.BadRequestError) as crossed:
        await calls.messages(model=OPENAI, messages=HELLO, max_tokens=5, extra_body={"temperature": 3})

    assert (same.value.param, "temperature" in same.value.message) == ("temperature", True)
    assert "temperature" in own.value.message
    assert "temperature" in crossed.value.message
    assert error_of(crossed)["type"] == "invalid_request_error"
