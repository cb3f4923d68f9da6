"""Anthropic's token count: `POST /v1/messages/count_tokens`. The request is a Messages request without its sampling.

What a provider without this operation answers is the relay's matter: `turnpike.wire.estimate` has an estimate.
"""

import msgspec

from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.anthropic_count_tokens.response import read_response, read_usage, write_response
from turnpike.wire.dialects.anthropic_messages import head as _head
from turnpike.wire.dialects.anthropic_messages.error import write_error, write_stream_error
from turnpike.wire.dialects.anthropic_messages.request_read import read_request
from turnpike.wire.dialects.anthropic_messages.request_write import write_members
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.plain import NeverStreams
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.operations import Operation


class AnthropicCountTokens(NeverStreams):
    name = "anthropic_count_tokens"
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
        return write_response(as_answer(response), model)


ANTHROPIC_COUNT_TOKENS = AnthropicCountTokens()
