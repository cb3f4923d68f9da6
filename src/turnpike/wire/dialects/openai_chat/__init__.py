"""OpenAI's Chat Completions form: `POST /v1/chat/completions`.

Source: OpenAI's API reference; the additions that servers following the form make are named where they are read.
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.dialects.openai_chat import head as _head
from turnpike.wire.dialects.openai_chat.error import write_error, write_stream_error
from turnpike.wire.dialects.openai_chat.request_read import read_request
from turnpike.wire.dialects.openai_chat.request_write import write_request
from turnpike.wire.dialects.openai_chat.response import read_response, write_response
from turnpike.wire.dialects.openai_chat.stream_read import ChatReader
from turnpike.wire.dialects.openai_chat.stream_write import ChatWriter
from turnpike.wire.dialects.openai_chat.tail import ChatTail
from turnpike.wire.dialects.openai_chat.usage import read_usage
from turnpike.wire.operations import Operation


class OpenAIChat:
    name = "openai_chat"
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
        return ChatTail(head)

    def reader(self) -> StreamReader:
        return ChatReader()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return ChatWriter(head, model)


OPENAI_CHAT = OpenAIChat()
