"""Cohere's chat form: `POST /v2/chat`.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/docs/streaming and the types of its official
SDK.
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.cohere_chat import head as _head
from turnpike.wire.dialects.cohere_chat.error import write_error, write_stream_error
from turnpike.wire.dialects.cohere_chat.request_read import read_request
from turnpike.wire.dialects.cohere_chat.request_write import write_request
from turnpike.wire.dialects.cohere_chat.response import read_response, write_response
from turnpike.wire.dialects.cohere_chat.stream_read import CohereReader
from turnpike.wire.dialects.cohere_chat.stream_write import CohereWriter
from turnpike.wire.dialects.cohere_chat.tail import CohereTail
from turnpike.wire.dialects.cohere_chat.usage import read_usage
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.operations import Operation


class CohereChat:
    name = "cohere_chat"
    operation = Operation.CHAT

    decode_head = staticmethod(_head.decode_head)
    read_head = staticmethod(_head.read_head)
    head_error = staticmethod(_head.head_error)
    splice = staticmethod(_head.splice)
    read_usage = staticmethod(read_usage)
    read_request = staticmethod(read_request)
    read_response = staticmethod(read_response)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return write_request(as_conversation(request), target)

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        return write_response(as_answer(response), model)

    def tail(self, head: Head) -> Tail:
        return CohereTail()

    def reader(self) -> StreamReader:
        return CohereReader()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return CohereWriter()


COHERE_CHAT = CohereChat()
