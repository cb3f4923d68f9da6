"""Vertex AI's text embeddings: `:predict` with an instance for each text. A provider's form.

Source: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.embedding import Count, texts_of
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.gemini.error import read_error
from turnpike.wire.operations import Operation
from turnpike.wire.types.embeddings import EmbeddingsResponse
from turnpike.wire.types.usage import Usage

TASK_TYPES = {
    "search_document": "RETRIEVAL_DOCUMENT",
    "search_query": "RETRIEVAL_QUERY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
}
"""What texts are for: the canonical words, and Google's."""


class _Statistics(msgspec.Struct):
    token_count: Count | None = None


class _Embedding(msgspec.Struct):
    values: list[float]
    statistics: _Statistics | None = None


class _Prediction(msgspec.Struct):
    embeddings: _Embedding


class _Answer(msgspec.Struct):
    predictions: list[_Prediction]

    def usage(self) -> Usage | None:
        """None where a text was not counted."""
        counts = [each.embeddings.statistics and each.embeddings.statistics.token_count for each in self.predictions]
        return None if None in counts else Usage(sum(int(count or 0) for count in counts))


_decode = msgspec.json.Decoder(_Answer).decode


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible for inputs in tokens."""
    wanted, texts = texts_of(request, "the form of Vertex AI's embeddings")
    task = TASK_TYPES.get(wanted.input_type or "")
    more = {} if task is None else {"task_type": task}
    body: dict[str, Any] = {"instances": [{"content": text, **more} for text in texts]}
    if wanted.dimensions is not None:
        body["parameters"] = {"outputDimensionality": wanted.dimensions}
    return msgspec.json.encode(body)


def read_response(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "a list of embeddings")
    vectors = tuple(tuple(each.embeddings.values) for each in answer.predictions)
    return EmbeddingsResponse(model="", vectors=vectors, usage=answer.usage())


def read_usage(body: bytes) -> Usage | None:
    """Raises UpstreamGarbage."""
    return decode_answer(_decode, body, "a list of embeddings").usage()


class VertexEmbeddings(ProviderForm):
    name = "vertex_embeddings"
    operation = Operation.EMBEDDINGS

    read_error = staticmethod(read_error)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    write_request = staticmethod(write_request)


VERTEX_EMBEDDINGS = VertexEmbeddings()
