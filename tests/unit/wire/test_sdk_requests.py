"""Every request that is written is of the official SDKs' types, and requests that the SDKs send are read."""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pydantic
import pytest
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from hypothesis import given, settings
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.embedding_create_params import EmbeddingCreateParams

from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.conversation import Request

from .sdk_types import adapter
from .strategies import requests

OPENAI = DIALECTS["openai_chat"]
ANTHROPIC = DIALECTS["anthropic_messages"]
COUNT = DIALECTS["anthropic_count_tokens"]
EMBEDDINGS = DIALECTS["openai_embeddings"]


def strictly(params: Any, body: bytes) -> None:
    """Validates a body against an SDK's own types of a request."""
    adapter(params).validate_python(json.loads(body))


@settings(max_examples=30)
@given(requests(errors=True))
def test_written_requests_are_of_the_sdks_types(request: Request) -> None:
    chat = CompletionCreateParamsStreaming if request.stream else CompletionCreateParamsNonStreaming
    messages = MessageCreateParamsStreaming if request.stream else MessageCreateParamsNonStreaming
    strictly(chat, OPENAI.write_request(request, Target("m")))
    strictly(messages, ANTHROPIC.write_request(request, Target("claude-opus-4-8")))
    older = json.loads(ANTHROPIC.write_request(request, Target("claude-sonnet-4-5")))
    older.pop("temperature", None)  # older models take it; the SDK's newest types have it no more
    strictly(messages, json.dumps(older).encode())
    strictly(MessageCountTokensParams, COUNT.write_request(request, Target("m")))


def test_the_check_itself_finds_a_wrong_message() -> None:
    with pytest.raises(pydantic.ValidationError):
        strictly(CompletionCreateParamsNonStreaming, b'{"model":"m","messages":[{"role":"user","content":5}]}')
    block = b'{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"image"}]}]}'
    with pytest.raises(pydantic.ValidationError):
        strictly(MessageCreateParamsNonStreaming, block)


def test_a_count_leaves_out_what_it_does_not_take() -> None:
    body = b'{"model":"m","messages":[],"max_tokens":5,"temperature":1,"system":"s","metadata":{"user_id":"u"}}'
    out = json.loads(COUNT.write_request(COUNT.read_request(body), Target("up")))
    assert out == {"model": "up", "system": "s", "messages": []}


def sent_by_openai(**params: Any) -> bytes:
    bodies: list[bytes] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.read())
        return httpx2.Response(400, json={})

    transport = httpx2.MockTransport(reply)
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)
    with client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**params)
    return bodies[0]


def sent_by_anthropic(**params: Any) -> bytes:
    bodies: list[bytes] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        bodies.append(request.read())
        return httpx2.Response(400, json={})

    transport = httpx2.MockTransport(reply)
    client = anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=transport), max_retries=0)
    with client, pytest.raises(anthropic.BadRequestError):
        client.messages.create(**params)
    return bodies[0]


def test_what_openais_sdk_sends_is_read_and_spliced() -> None:
    body = sent_by_openai(
        model="gpt-4o", messages=[{"role": "user", "content": "Grüße"}], max_completion_tokens=5, stream=True
    )
    head = OPENAI.read_head(body)
    assert (head.model, head.stream, head.output_bound()) == ("gpt-4o", True, 5)
    assert json.loads(OPENAI.splice(body, head, "up")) == {
        **json.loads(body),
        "model": "up",
        "stream_options": {"include_usage": True},
    }
    strictly(CompletionCreateParamsStreaming, OPENAI.write_request(OPENAI.read_request(body), Target("up")))


def test_what_anthropics_sdk_sends_is_read_and_spliced() -> None:
    body = sent_by_anthropic(model="claude", max_tokens=5, messages=[{"role": "user", "content": "Grüße"}], system="s")
    head = ANTHROPIC.read_head(body)
    assert (head.model, head.stream, head.output_bound()) == ("claude", False, 5)
    assert json.loads(ANTHROPIC.splice(body, head, "up")) == {**json.loads(body), "model": "up"}
    strictly(MessageCreateParamsNonStreaming, ANTHROPIC.write_request(ANTHROPIC.read_request(body), Target("up")))


@pytest.mark.parametrize(
    "given_",
    [
        {"input": "text"},
        {"input": ["a", "b"]},
        {"input": [1, 2, 3]},
        {"input": [[1, 2], [3]]},
        {"input": ["a"], "dimensions": 3, "encoding_format": "base64", "user": "u"},
    ],
)
def test_an_embeddings_request_is_read_and_written(given_: dict[str, Any]) -> None:
    body = json.dumps({"model": "m", **given_}).encode()
    out = EMBEDDINGS.write_request(EMBEDDINGS.read_request(body), Target("up"))
    strictly(EmbeddingCreateParams, out)
    expected = dict(given_)
    if expected["input"] == ["a"]:
        expected["input"] = "a"
    assert json.loads(out) == {"model": "up", **expected}
