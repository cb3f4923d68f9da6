"""Embeddings answered, read and written."""

from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.gemini.shapes import NOTHING, Shape
from turnpike.wire.dialects.gemini.usage import read_usage as read_usage
from turnpike.wire.dialects.gemini.usage import usage_of, write_usage
from turnpike.wire.types.embeddings import EmbeddingsResponse


class _Vector(Shape):
    values: list[float]


class _Batch(Shape):
    embeddings: list[_Vector]
    usage_metadata: msgspec.Raw = NOTHING


class _One(Shape):
    embedding: _Vector | None = None
    embeddings: list[_Vector] | None = None
    usage_metadata: msgspec.Raw = NOTHING


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_one = msgspec.json.Decoder(_One).decode


def read_batch(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode_batch, body, "a list of embeddings")
    vectors = tuple(tuple(each.values) for each in answer.embeddings)
    return EmbeddingsResponse(model="", vectors=vectors, usage=usage_of(answer.usage_metadata))


def read_one(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode_one, body, "an embedding")
    if answer.embedding is None:
        raise UpstreamGarbage("The provider's answer is not an embedding: it has none.")
    return EmbeddingsResponse(
        model="", vectors=(tuple(answer.embedding.values),), usage=usage_of(answer.usage_metadata)
    )


def write_batch(response: EmbeddingsResponse) -> bytes:
    return _written({"embeddings": [{"values": vector} for vector in response.vectors]}, response)


def write_one(response: EmbeddingsResponse) -> bytes:
    """Raises UpstreamGarbage for an answer without a vector."""
    if not response.vectors:
        raise UpstreamGarbage("The provider's answer holds no embedding.")
    return _written({"embedding": {"values": response.vectors[0]}}, response)


def _written(answer: dict[str, Any], response: EmbeddingsResponse) -> bytes:
    usage = response.usage
    if usage is not None:
        counted = write_usage(usage)
        answer["usageMetadata"] = {name: counted[name] for name in ("promptTokenCount", "totalTokenCount")}
    return msgspec.json.encode(answer)
