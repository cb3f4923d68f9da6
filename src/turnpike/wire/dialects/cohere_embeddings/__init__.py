"""Cohere's embeddings form: `POST /v2/embed`. Its errors are those of its chat.

Source: https://docs.cohere.com/reference/embed and the types of its official SDK.
"""

from turnpike.wire.dialect import AnyResponse, Head
from turnpike.wire.dialects.cohere_chat.error import write_error, write_stream_error
from turnpike.wire.dialects.cohere_embeddings import request as _request
from turnpike.wire.dialects.cohere_embeddings.response import read_response, read_usage, write_response
from turnpike.wire.dialects.common.body import body_error, key_position, replace_model
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.openai_embeddings.request import decode_head, read_head
from turnpike.wire.operations import Operation
from turnpike.wire.types.embeddings import EmbeddingsResponse


class CohereEmbeddings(NeverStreams):
    name = "cohere_embeddings"
    operation = Operation.EMBEDDINGS

    decode_head = staticmethod(decode_head)
    read_head = staticmethod(read_head)
    head_error = staticmethod(body_error)
    read_request = staticmethod(_request.read_request)
    write_request = staticmethod(_request.write_request)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        return body if upstream_model == head.model else replace_model(body, key_position(body), upstream_model)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        if not isinstance(response, EmbeddingsResponse):
            raise TypeError(f"embeddings are expected, not {type(response).__name__}")
        return write_response(response, model)


COHERE_EMBEDDINGS = CohereEmbeddings()
