"""OpenAI's Responses form: `POST /v1/responses`.

Source: OpenAI's API reference ("Responses", "Streaming events") and the types of its official SDK. Objects that a
provider keeps under a response's id are not this dialect's matter: here a response is a request and its answer.
"""

from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.dialects.openai_responses import head as _head
from turnpike.wire.dialects.openai_responses.error import write_error, write_stream_error
from turnpike.wire.dialects.openai_responses.request_read import read_request
from turnpike.wire.dialects.openai_responses.request_write import write_request
from turnpike.wire.dialects.openai_responses.response import read_response, write_response
from turnpike.wire.dialects.openai_responses.stream_read import ResponsesReader
from turnpike.wire.dialects.openai_responses.stream_write import ResponsesWriter
from turnpike.wire.dialects.openai_responses.tail import ResponsesTail
from turnpike.wire.dialects.openai_responses.usage import read_usage
from turnpike.wire.operations import Operation


class OpenAIResponses:
    name = "openai_responses"
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
        return ResponsesTail()

    def reader(self) -> StreamReader:
        return ResponsesReader()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return ResponsesWriter(head, model)


OPENAI_RESPONSES = OpenAIResponses()
