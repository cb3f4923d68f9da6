"""Embeddings: both encodings, both ways, and by the official SDK."""

import base64
import json
import struct
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.errors import InvalidRequest, UpstreamGarbage
from turnpike.wire.dialects import DIALECTS
from turnpike.wire.types.embeddings import EmbeddingsResponse
from turnpike.wire.types.usage import Usage

EMBEDDINGS = DIALECTS["openai_embeddings"]
vectors = st.lists(
    st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=5).map(tuple),
    min_size=1,
    max_size=3,
).map(tuple)


@pytest.mark.parametrize("encoding", ["float", "base64"])
@given(values=vectors)
def test_vectors_survive_either_encoding(encoding: str, values: tuple[tuple[float, ...], ...]) -> None:
    answer = EmbeddingsResponse(model="m", vectors=values, usage=Usage(7), encoding=encoding)
    body = EMBEDDINGS.write_response(answer, "m")
    assert EMBEDDINGS.read_response(body) == answer
    assert EMBEDDINGS.read_usage(body) == Usage(7)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_openais_sdk_reads_the_answer(encoding: str) -> None:
    answer = EmbeddingsResponse(model="m", vectors=((0.5, -1.0), (2.0, 0.25)), usage=Usage(7), encoding=encoding)
    body = EMBEDDINGS.write_response(answer, "asked")
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=body))
    with openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport)) as client:
        read = client.embeddings.create(model="asked", input=["a", "b"])
    assert [item.embedding for item in read.data] == [[0.5, -1.0], [2.0, 0.25]]
    assert (read.model, read.usage.prompt_tokens, read.usage.total_tokens) == ("asked", 7, 7)


def test_vectors_come_in_the_order_of_their_index() -> None:
    body = b'{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":[1]}]}'
    read = EMBEDDINGS.read_response(body)
    assert isinstance(read, EmbeddingsResponse)
    assert read.vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize(
    "body", [b"", b"{}", b'{"data":[{"embedding":"!"}]}', b'{"data":[{"embedding":"AAA="}]}', b'{"data":5}']
)
def test_what_is_no_list_of_vectors_is_garbage(body: bytes) -> None:
    with pytest.raises(UpstreamGarbage):
        EMBEDDINGS.read_response(body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model":"m","input":[]}', "input"),
        (b'{"model":"m","input":["a",1]}', "input[1]"),
        (b'{"model":"m","input":5}', "input"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":"a","encoding_format":"hex"}', "encoding_format"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field(body: bytes, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        EMBEDDINGS.read_request(body)
    assert caught.value.details == {"param": param}


@pytest.mark.parametrize(
    ("asked", "told", "written"),
    [
        ({"encoding_format": "base64"}, "float", "base64"),
        ({"encoding_format": "float"}, "base64", "float"),
        ({}, "float", "float"),
        ({"encoding_format": None}, "base64", "base64"),
    ],
)
def test_vectors_are_in_the_callers_encoding_whatever_the_providers(
    asked: dict[str, Any], told: str, written: str
) -> None:
    head = EMBEDDINGS.read_head(json.dumps({"model": "m", "input": "x", **asked}).encode())
    response = head.shape(EmbeddingsResponse(model="m", vectors=((1.0, -0.5),), encoding=told))
    (item,) = json.loads(EMBEDDINGS.write_response(response, "m"))["data"]
    if written == "base64":
        assert base64.b64decode(item["embedding"]) == struct.pack("<2f", 1.0, -0.5), "little-endian, 32 bits each"
    else:
        assert item["embedding"] == [1.0, -0.5]
