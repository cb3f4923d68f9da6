"""Cohere's embeddings form beside OpenAI's."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import Inexpressible, InvalidRequest, UpstreamGarbage
from turnpike.wire.dialect import Target
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse
from turnpike.wire.types.usage import MediaUsage, Usage

from .strategies import text

COHERE = DIALECTS["cohere_embeddings"]
OPENAI = DIALECTS["openai_embeddings"]
TARGET = Target("m")
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
encodings = st.sampled_from(("float", "base64"))


def read(body: dict[str, Any]) -> EmbeddingsRequest:
    request = COHERE.read_request(json.dumps({"model": "m", **body}).encode())
    assert isinstance(request, EmbeddingsRequest)
    return request


@given(
    st.lists(text, min_size=1, max_size=4),
    encodings,
    st.none() | st.integers(1, 2000),
    st.sampled_from(("search_query", "classification")),
)
def test_a_request_survives_the_form(inputs: list[str], encoding: str, dimensions: int | None, kind: str) -> None:
    request = EmbeddingsRequest(
        model="m", inputs=tuple(inputs), dimensions=dimensions, encoding=encoding, input_type=kind
    )
    assert COHERE.read_request(COHERE.write_request(request, TARGET)) == request


@given(st.lists(st.lists(floats, min_size=1, max_size=4).map(tuple), min_size=1, max_size=3), encodings)
def test_an_answer_survives_the_form(vectors: list[tuple[float, ...]], encoding: str) -> None:
    answer = EmbeddingsResponse(model="", vectors=tuple(vectors), usage=Usage(7), encoding=encoding)
    body = COHERE.write_response(answer, "m")
    assert COHERE.read_response(body) == answer
    assert COHERE.read_usage(body) == Usage(7)


def test_openais_words_in_coheres() -> None:
    asked = {"model": "m", "input": ["a", "b"], "dimensions": 256, "encoding_format": "base64", "user": "u"}
    request = OPENAI.read_request(json.dumps(asked).encode())
    assert json.loads(COHERE.write_request(request, TARGET)) == {
        "model": "m",
        "input_type": "search_document",
        "texts": ["a", "b"],
        "embedding_types": ["base64"],
        "output_dimension": 256,
    }


def test_the_kind_of_input_may_be_said_beside_openais_words() -> None:
    request = OPENAI.read_request(b'{"model": "m", "input": "a", "input_type": "search_query"}')
    assert json.loads(COHERE.write_request(request, TARGET))["input_type"] == "search_query"


def test_inputs_of_texts_are_texts() -> None:
    asked = {"inputs": [{"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}], "truncate": "END"}
    assert read(asked).inputs == ("a\nb",)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"images": ["data:image/png;base64,AA=="]}, "images"),
        ({"inputs": [{"content": [{"type": "image_url"}]}]}, "inputs[0].content[0]"),
        ({"texts": ["a"], "embedding_types": ["int8"]}, "embedding_types[0]"),
        ({"texts": ["a"], "embedding_types": ["float", "base64"]}, "embedding_types"),
        ({"texts": ["a"], "something": 1}, "something"),
    ],
)
def test_what_only_the_form_can_say_is_named(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(Inexpressible) as caught:
        read(asked)
    assert caught.value.details["param"] == param


def test_no_text_at_all_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="texts"):
        read({"texts": []})


def test_token_ids_are_refused() -> None:
    with pytest.raises(Inexpressible, match="token ids"):
        COHERE.write_request(EmbeddingsRequest(model="m", inputs=((1, 2),)), TARGET)


def test_images_are_counted() -> None:
    body = b'{"embeddings": {"int8": [[1]]}, "meta": {"billed_units": {"images": 2, "image_tokens": 50}}}'
    assert COHERE.read_usage(body) == Usage(50, media=MediaUsage(images=2, input_image_tokens=50))
    assert COHERE.read_usage(b'{"meta": {"billed_units": "many"}}') is None
    assert COHERE.read_usage(b"{}") is None


def test_another_type_than_was_asked_for_is_garbage() -> None:
    for body in (b'{"embeddings": {"int8": [[1]]}}', b'{"embeddings": {"base64": ["?"]}}', b"[]"):
        with pytest.raises(UpstreamGarbage):
            COHERE.read_response(body)


def test_vectors_reach_an_openai_caller_as_they_are() -> None:
    answer = COHERE.read_response(
        b'{"embeddings": {"float": [[0.5, 1]]}, "meta": {"billed_units": {"input_tokens": 3}}}'
    )
    written = json.loads(OPENAI.write_response(answer, "mine"))
    assert written["data"][0]["embedding"] == [0.5, 1]
    assert (written["model"], written["usage"]["prompt_tokens"]) == ("mine", 3)
