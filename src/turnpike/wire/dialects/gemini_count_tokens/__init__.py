"""Gemini's token count: `POST /v1beta/models/{model}:countTokens`.

Its request is contents alone, or a whole generateContent request under `generateContentRequest`.
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.dialects.gemini.error import read_error, write_error, write_stream_error
from turnpike.wire.dialects.gemini_count_tokens import request as _request
from turnpike.wire.dialects.gemini_count_tokens.response import read_response, read_usage, write_response
from turnpike.wire.operations import Operation


class GeminiCountTokens(NeverStreams):
    name = "gemini_count_tokens"
    operation = Operation.COUNT_TOKENS

    decode_head = staticmethod(_request.decode_head)
    read_head = staticmethod(_request.read_head)
    head_error = staticmethod(_request.head_error)
    splice = staticmethod(_request.splice)
    read_request = staticmethod(_request.read_request)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return _request.write_request(as_conversation(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return write_response(as_answer(response))


GEMINI_COUNT_TOKENS = GeminiCountTokens()
