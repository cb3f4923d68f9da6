"""Forms of embeddings that only clouds speak."""

import json
from typing import Any

import pytest

from tests.support.wire_dialects import PROVIDERS_ONLY
from turnpike.errors import Inexpressible, UnsupportedOperation, UpstreamGarbage
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.operations import ENDPOINTS
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse
from turnpike.wire.types.usage import Usage

TARGET = Target("m")
EVERY = pytest.mark.parametrize("name", ["titan_embeddings", "bedrock_cohere_embeddings", "vertex_embeddings"])
VECTORS: dict[str, dict[str, Any]] = {
    "titan_embeddings": {"embedding": [0.5, 1], "embeddingsByType": {"float": [0.5, 1]}},
    "bedrock_cohere_embeddings": {"id": "x", "texts": ["a"], "embeddings": {"float": [[0.5, 1]]}},
    "vertex_embeddings": {"predictions": [{"embeddings": {"values": [0.5, 1]}}]},
}


@pytest.mark.parametrize(
    ("name", "more", "written"),
    [
        ("titan_embeddings", {}, {"inputText": "a"}),
        ("titan_embeddings", {"dimensions": 512}, {"inputText": "a", "dimensions": 512}),
        (
            "bedrock_cohere_embeddings",
            {"dimensions": 512, "encoding": "base64"},
            {
                "texts": ["a"], "input_type": "search_document", "embedding_types": ["float"],
                "output_dimension": 512,
            },
        ),
        ("vertex_embeddings", {}, {"instances": [{"content": "a"}]}),
        (
            "vertex_embeddings",
            {"dimensions": 512, "input_type": "search_query"},
            {
                "instances": [{"content": "a", "task_type": "RETRIEVAL_QUERY"}],
                "parameters": {"outputDimensionality": 512},
            },
        ),
    ],
)  # fmt: skip
def test_a_request_is_written_without_a_model(name: str, more: dict[str, Any], written: dict[str, Any]) -> None:
    request = EmbeddingsRequest(model="m", inputs=("a",), **more)
    assert json.loads(DIALECTS[name].write_request(request, TARGET)) == written


@EVERY
def test_token_ids_are_refused_by_name(name: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        DIALECTS[name].write_request(EmbeddingsRequest(model="m", inputs=("a", (1, 2))), TARGET)
    assert caught.value.details == {"param": "input[1]"}


@EVERY
def test_an_answer_without_a_count_has_no_usage(name: str) -> None:
    body = json.dumps(VECTORS[name]).encode()
    assert DIALECTS[name].read_response(body) == EmbeddingsResponse(model="", vectors=((0.5, 1.0),))
    assert DIALECTS[name].read_usage(body) is None


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("titan_embeddings", {"embedding": [1], "inputTextTokenCount": 7}),
        (
            "vertex_embeddings",
            {"predictions": [{"embeddings": {"values": [1], "statistics": {"token_count": n}}} for n in (3, 4.0)]},
        ),
    ],
)
def test_tokens_are_counted_as_the_answer_has_them(name: str, answer: dict[str, Any]) -> None:
    assert DIALECTS[name].read_usage(json.dumps(answer).encode()) == Usage(7)


@pytest.mark.parametrize("name", PROVIDERS_ONLY)
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"x":', b"\xff", b"{}"])
def test_what_is_no_answer_is_garbage(name: str, body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        DIALECTS[name].read_response(body)


@pytest.mark.parametrize("name", PROVIDERS_ONLY)
def test_no_caller_speaks_it(name: str) -> None:
    assert name not in {endpoint.dialect for endpoint in ENDPOINTS}
    with pytest.raises(UnsupportedOperation, match=name):
        DIALECTS[name].read_request(b"{}")
