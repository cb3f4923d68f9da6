"""OpenAI's token count: `POST /v1/responses/input_tokens`. The request is a Responses request without its sampling.

Source: OpenAI's API reference, "Get input token counts".
"""

import msgspec

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.anthropic_count_tokens.response import read_response, read_usage
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.dialects.openai_responses import head as _head
from turnpike.wire.dialects.openai_responses.error import write_error, write_stream_error
from turnpike.wire.dialects.openai_responses.request_read import read_request
from turnpike.wire.dialects.openai_responses.request_write import write_members
from turnpike.wire.operations import Operation


class OpenAIInputTokens(NeverStreams):
    """Its answer is Anthropic's with one member more, so it is read by the same code."""

    name = "openai_input_tokens"
    operation = Operation.COUNT_TOKENS

    decode_head = staticmethod(_head.decode_head)
    read_head = staticmethod(_head.read_head)
    head_error = staticmethod(_head.head_error)
    splice = staticmethod(_head.splice)
    read_request = staticmethod(read_request)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return msgspec.json.encode(write_members(as_conversation(request), target, counting=True))

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        usage = as_answer(response).usage
        counted = 0 if usage is None else usage.input_tokens
        return msgspec.json.encode({"object": "response.input_tokens", "input_tokens": counted})


OPENAI_INPUT_TOKENS = OpenAIInputTokens()
