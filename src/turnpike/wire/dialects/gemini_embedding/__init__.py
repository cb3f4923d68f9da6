"""Gemini's embedding of one input: `:embedContent`. Shapes and errors are those of `gemini_embeddings`."""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, Target
from turnpike.wire.dialects.gemini_embeddings import EmbedContent, answered, asked
from turnpike.wire.dialects.gemini_embeddings import request as _request
from turnpike.wire.dialects.gemini_embeddings import response as _response
from turnpike.wire.dialects.gemini_embeddings.head import decode_one_head


class GeminiEmbedding(EmbedContent):
    name = "gemini_embedding"

    decode_head = staticmethod(decode_one_head)
    read_request = staticmethod(_request.read_one)
    read_response = staticmethod(_response.read_one)

    def read_head(self, body: bytes) -> Head:
        return _request.read_head(decode_one_head, body)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return _request.write_one(asked(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return _response.write_one(answered(response))


GEMINI_EMBEDDING = GeminiEmbedding()
