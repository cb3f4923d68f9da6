"""Lists of models: read as providers write them, written as the official SDKs read them."""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import ModelInfo as AnthropicModel
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Model as OpenAIModel

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects.models import (
    ModelEntry,
    ModelRow,
    Page,
    read_models,
    read_page,
    write_anthropic_list,
    write_anthropic_model,
    write_openai_list,
    write_openai_model,
)
from turnpike.wire.prices import Rates


def read(*items: Any, **more: Any) -> tuple[ModelRow, ...]:
    return read_models(json.dumps({"object": "list", "data": list(items), **more}).encode()).rows


@pytest.mark.parametrize(
    ("item", "row"),
    [
        (
            {"id": "gpt-4o", "object": "model", "created": 1715367049, "owned_by": "system"},
            ModelRow(id="gpt-4o", created_s=1715367049, owned_by="system", capabilities=("chat",)),
        ),
        (
            {
                "type": "model",
                "id": "claude-opus-4-5",
                "display_name": "Claude Opus 4.5",
                "created_at": "2025-11-24T00:00:00Z",
                "max_input_tokens": 200000,
                "max_tokens": 64000,
                "capabilities": {"image_input": {"supported": True}},
            },
            ModelRow(
                id="claude-opus-4-5",
                display_name="Claude Opus 4.5",
                created_s=1763942400,
                capabilities=("chat",),
                context_window=200000,
                max_output_tokens=64000,
            ),
        ),
        (
            {
                "id": "openai/gpt-4o",
                "name": "OpenAI: GPT-4o",
                "created": 1715558400,
                "context_length": 128000,
                "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
                "top_provider": {"context_length": 128000, "max_completion_tokens": 16384},
                "pricing": {
                    "prompt": "0.0000025", "completion": "0.00001", "request": "0", "image": "0.003613",
                    "input_cache_read": "0.00000125", "web_search": "0.01",
                },
            },
            ModelRow(
                id="openai/gpt-4o",
                display_name="OpenAI: GPT-4o",
                created_s=1715558400,
                capabilities=("chat",),
                context_window=128000,
                max_output_tokens=16384,
                rates=Rates(input=2_500_000, output=10_000_000, cache_read=1_250_000, web_search=10**10),
            ),
        ),
        (
            {
                "id": "codestral-latest",
                "object": "model",
                "created": 1,
                "owned_by": "mistralai",
                "capabilities": {"completion_chat": True, "completion_fim": True, "vision": False},
                "name": "codestral-2508",
                "max_context_length": 256000,
            },
            ModelRow(
                id="codestral-latest",
                display_name="codestral-2508",
                created_s=1,
                owned_by="mistralai",
                capabilities=("chat", "code"),
                context_window=256000,
            ),
        ),
        (
            {
                "id": "BAAI/bge-large-en-v1.5",
                "type": "embedding",
                "organization": "BAAI",
                "context_length": 512,
                "pricing": {"hourly": 0, "input": 0.02, "output": 0.02},
            },
            ModelRow(
                id="BAAI/bge-large-en-v1.5",
                owned_by="BAAI",
                capabilities=("embeddings",),
                context_window=512,
                rates=Rates(input=20_000, output=20_000),
            ),
        ),
        (
            {"id": "qwen3", "object": "model", "created": 5, "owned_by": "vllm", "max_model_len": 32768},
            ModelRow(
                id="qwen3", created_s=5, owned_by="vllm", capabilities=("chat",), context_window=32768
            ),
        ),
        (
            {"id": "m.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 8192}},
            ModelRow(id="m.gguf", owned_by="llamacpp", capabilities=("chat",), context_window=8192),
        ),
        (
            {"id": "models/gemini-2.5-flash", "object": "model", "owned_by": "google"},
            ModelRow(id="gemini-2.5-flash", owned_by="google", capabilities=("chat",)),
        ),
    ],
    ids=["openai", "anthropic", "openrouter", "mistral", "together", "vllm", "llama.cpp", "gemini"],
)  # fmt: skip
def test_each_providers_list_is_read(item: dict[str, Any], row: ModelRow) -> None:
    assert read(item) == (row,)


def test_a_bare_list_and_ollamas_models_are_read() -> None:
    assert [row.id for row in read_models(b'[{"id":"a"},{"id":"b"}]').rows] == ["a", "b"]
    assert [row.id for row in read_models(b'{"models":[{"name":"llama3:8b"}]}').rows] == ["llama3:8b"]


def test_a_price_that_depends_is_no_price() -> None:
    assert read({"id": "auto", "pricing": {"prompt": "-1", "completion": "-1"}})[0].rates is None
    assert read({"id": "x", "pricing": {"prompt": "NaN", "completion": "one"}})[0].rates is None


def test_pages_of_anthropics_list_say_where_they_go_on() -> None:
    body = b'{"data":[{"id":"a"}],"has_more":true,"first_id":"a","last_id":"a"}'
    assert read_models(body).next_after_id == "a"
    assert read_models(b'{"data":[],"has_more":false,"last_id":null}').next_after_id is None


def test_doubles_and_what_is_no_model_are_left_out() -> None:
    assert [row.id for row in read({"id": "a"}, {"id": "a"}, {"x": 1}, 5, {"id": ""}, {"id": "b"})] == ["a", "b"]


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":5}', b"5", b"<html>"])
def test_what_is_no_list_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        read_models(body)


@given(
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=9)
)
def test_any_item_is_read_or_left_out(item: Any) -> None:
    read(item, {"id": "x", "created": item, "pricing": item, "capabilities": item, "created_at": item})


# ---- written

ENTRIES = [
    ModelEntry(
        name=f"m{number}", created_s=1_700_000_000 + number, owned_by="OpenAI", display_name=f"Model {number}",
        capabilities=("chat",), context_window=8192, max_output_tokens=1024,
        rates=Rates(input=2_500_000, output=10_000_000, cache_read=1),
    )
    for number in range(5)
]  # fmt: skip
BARE = ModelEntry(name="bare")


def test_openais_sdk_reads_the_list_and_one_model() -> None:
    def reply(request: httpx2.Request) -> httpx2.Response:
        body = (
            write_openai_model(ENTRIES[0]) if request.url.path.endswith("/m0") else write_openai_list([*ENTRIES, BARE])
        )
        return httpx2.Response(200, content=body)

    http = httpx2.Client(transport=httpx2.MockTransport(reply))
    with openai.OpenAI(api_key="k", http_client=http) as client:
        models = list(client.models.list())
        one = client.models.retrieve("m0")
    assert [model.id for model in models] == ["m0", "m1", "m2", "m3", "m4", "bare"]
    assert (one.id, one.created, one.owned_by) == ("m0", 1_700_000_000, "OpenAI")
    assert one.model_extra == {
        "display_name": "Model 0",
        "capabilities": ["chat"],
        "context_window": 8192,
        "max_output_tokens": 1024,
        "pricing": {"prompt": "0.0000025", "completion": "0.00001", "input_cache_read": "0.000000000001"},
    }
    for entry in (*ENTRIES, BARE):
        OpenAIModel.model_validate_json(write_openai_model(entry), strict=True)


def test_anthropics_sdk_walks_the_pages() -> None:
    asked: list[dict[str, str]] = []

    def reply(request: httpx2.Request) -> httpx2.Response:
        asked.append(dict(request.url.params))
        return httpx2.Response(200, content=write_anthropic_list(ENTRIES, read_page(dict(request.url.params))))

    http = httpx2.Client(transport=httpx2.MockTransport(reply))
    with anthropic.Anthropic(api_key="k", http_client=http) as client:
        forward = [model.id for model in client.models.list(limit=2)]
        backward = [model.id for model in client.models.list(limit=2, before_id="m4")]
    assert forward == ["m0", "m1", "m2", "m3", "m4"]
    assert asked[:3] == [{"limit": "2"}, {"limit": "2", "after_id": "m1"}, {"limit": "2", "after_id": "m3"}]
    assert sorted(backward) == ["m0", "m1", "m2", "m3"]


def test_one_anthropic_model_is_of_the_sdks_type() -> None:
    for entry in (ENTRIES[0], BARE):
        model = AnthropicModel.model_validate_json(write_anthropic_model(entry))
        assert (model.id, model.max_input_tokens) == (entry.name, entry.context_window)
    assert model.display_name == "bare"


def test_an_empty_list_has_no_first_and_no_last() -> None:
    assert json.loads(write_anthropic_list([], Page())) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
    assert json.loads(write_openai_list([])) == {"object": "list", "data": []}


@pytest.mark.parametrize("limit", ["0", "1001", "x", "-1", "1.5", "٣"])
def test_a_limit_out_of_bounds_is_refused(limit: str) -> None:
    with pytest.raises(InvalidRequest, match="from 1 to 1000"):
        read_page({"limit": limit})


def test_an_unknown_place_in_the_list_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="names no model"):
        write_anthropic_list(ENTRIES, Page(after_id="gone"))
    with pytest.raises(InvalidRequest, match="exclude"):
        read_page({"before_id": "a", "after_id": "b"})
