"""Gemini's embeddings: `:batchEmbedContents` for several inputs and `:embedContent` for one, a dialect each.

Source: Google's API reference, "Embeddings".
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, Target
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.gemini.error import read_error, write_error, write_stream_error
from turnpike.wire.dialects.gemini_embeddings import request as _request
from turnpike.wire.dialects.gemini_embeddings import response as _response
from turnpike.wire.dialects.gemini_embeddings.head import (
    decode_batch_head,
    decode_one_head,
    head_error,
    splice,
)
from turnpike.wire.operations import Operation
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse


class _Embeddings(NeverStreams):
    operation = Operation.EMBEDDINGS

    head_error = staticmethod(head_error)
    splice = staticmethod(splice)
    read_usage = staticmethod(_response.read_usage)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)


class GeminiEmbeddings(_Embeddings):
    name = "gemini_embeddings"

    decode_head = staticmethod(decode_batch_head)
    read_request = staticmethod(_request.read_batch)
    read_response = staticmethod(_response.read_batch)

    def read_head(self, body: bytes) -> Head:
        return _request.read_head(decode_batch_head, body)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return _request.write_batch(_asked(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return _response.write_batch(_answered(response))


class GeminiEmbedding(_Embeddings):
    name = "gemini_embedding"

    decode_head = staticmethod(decode_one_head)
    read_request = staticmethod(_request.read_one)
    read_response = staticmethod(_response.read_one)

    def read_head(self, body: bytes) -> Head:
        return _request.read_head(decode_one_head, body)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return _request.write_one(_asked(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return _response.write_one(_answered(response))


def _asked(request: AnyRequest) -> EmbeddingsRequest:
    if not isinstance(request, EmbeddingsRequest):
        raise TypeError(f"an embeddings request is expected, not {type(request).__name__}")
    return request


def _answered(response: AnyResponse) -> EmbeddingsResponse:
    if not isinstance(response, EmbeddingsResponse):
        raise TypeError(f"embeddings are expected, not {type(response).__name__}")
    return response


GEMINI_EMBEDDINGS = GeminiEmbeddings()
GEMINI_EMBEDDING = GeminiEmbedding()
