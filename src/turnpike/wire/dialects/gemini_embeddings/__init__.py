"""Gemini's embeddings of several inputs: `:batchEmbedContents`. Of one input: `gemini_embedding`, beside this folder.

Source: Google's API reference, "Embeddings".
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, Target
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.gemini.error import read_error, write_error, write_stream_error
from turnpike.wire.dialects.gemini_embeddings import request as _request
from turnpike.wire.dialects.gemini_embeddings import response as _response
from turnpike.wire.dialects.gemini_embeddings.head import (
    decode_batch_head,
    head_error,
    splice,
)
from turnpike.wire.operations import Operation
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse


class EmbedContent(NeverStreams):
    """What both have in common."""

    operation = Operation.EMBEDDINGS

    head_error = staticmethod(head_error)
    splice = staticmethod(splice)
    read_usage = staticmethod(_response.read_usage)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)


class GeminiEmbeddings(EmbedContent):
    name = "gemini_embeddings"

    decode_head = staticmethod(decode_batch_head)
    read_request = staticmethod(_request.read_batch)
    read_response = staticmethod(_response.read_batch)

    def read_head(self, body: bytes) -> Head:
        return _request.read_head(decode_batch_head, body)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return _request.write_batch(asked(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return _response.write_batch(answered(response))


def asked(request: AnyRequest) -> EmbeddingsRequest:
    if not isinstance(request, EmbeddingsRequest):
        raise TypeError(f"an embeddings request is expected, not {type(request).__name__}")
    return request


def answered(response: AnyResponse) -> EmbeddingsResponse:
    if not isinstance(response, EmbeddingsResponse):
        raise TypeError(f"embeddings are expected, not {type(response).__name__}")
    return response


GEMINI_EMBEDDINGS = GeminiEmbeddings()
