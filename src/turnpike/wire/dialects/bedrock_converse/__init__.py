"""Amazon Bedrock's Converse form: `POST /model/{modelId}/converse` and `/converse-stream`.

One form for the models of every company at Bedrock; streams are Amazon's binary events. Source: the Bedrock Runtime
API reference and the service model of its official SDK.
"""

from collections.abc import Mapping

from turnpike.wire.dialect import AnyRequest, AnyResponse, Dialect, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.bedrock_converse import head as _head
from turnpike.wire.dialects.bedrock_converse.error import read_error, write_error, write_stream_error
from turnpike.wire.dialects.bedrock_converse.request_read import read_request
from turnpike.wire.dialects.bedrock_converse.request_write import write_request
from turnpike.wire.dialects.bedrock_converse.response import read_response, write_response
from turnpike.wire.dialects.bedrock_converse.stream_read import ConverseReader
from turnpike.wire.dialects.bedrock_converse.stream_write import ConverseWriter
from turnpike.wire.dialects.bedrock_converse.tail import ConverseTail
from turnpike.wire.dialects.bedrock_converse.usage import read_usage
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.operations import Operation


class BedrockConverse:
    name = "bedrock_converse"
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

    def form_for(self, query: Mapping[str, str]) -> tuple[Dialect, str]:
        """Streams are Amazon's events, whatever the query says."""
        return self, "application/vnd.amazon.eventstream"

    def tail(self, head: Head) -> Tail:
        return ConverseTail()

    def reader(self) -> StreamReader:
        return ConverseReader()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return ConverseWriter()


BEDROCK_CONVERSE = BedrockConverse()
