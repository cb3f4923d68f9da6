"""Google's Gemini form: `POST /v1beta/models/{model}:generateContent` and `:streamGenerateContent`.

Source: Google's Gemini API reference and the types of its official SDK.
"""

from collections.abc import Mapping

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import AnyRequest, AnyResponse, Dialect, Head, StreamReader, StreamWriter, Tail, Target
from turnpike.wire.dialects.common.words import as_answer, as_conversation
from turnpike.wire.dialects.gemini import head as _head
from turnpike.wire.dialects.gemini.error import error_object, read_error, write_error, write_stream_error
from turnpike.wire.dialects.gemini.framing import array_end
from turnpike.wire.dialects.gemini.request_read import read_request
from turnpike.wire.dialects.gemini.request_write import write_request
from turnpike.wire.dialects.gemini.response import read_response, write_response
from turnpike.wire.dialects.gemini.stream_read import GeminiReader
from turnpike.wire.dialects.gemini.stream_write import GeminiWriter
from turnpike.wire.dialects.gemini.tail import ArrayTail, GeminiTail
from turnpike.wire.dialects.gemini.usage import read_usage
from turnpike.wire.operations import Operation


class Gemini:
    name = "gemini"
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
        return GeminiTail()

    def reader(self) -> StreamReader:
        return GeminiReader()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return GeminiWriter(model)

    def form_for(self, query: Mapping[str, str]) -> tuple[Dialect, str]:
        """Streams are events where the query says `alt=sse`, else an array."""
        if query.get("alt") == "sse":
            return self, "text/event-stream; charset=utf-8"
        return _IN_ARRAYS, "application/json; charset=utf-8"


class GeminiInArrays(Gemini):
    """The same form for a caller whose streams are to be JSON arrays."""

    def tail(self, head: Head) -> Tail:
        return ArrayTail()

    def writer(self, head: Head, model: str) -> StreamWriter:
        return GeminiWriter(model, array=True)

    def write_stream_error(self, error: TurnpikeError, request_id: str) -> bytes:  # pyright: ignore[reportIncompatibleVariableOverride] - the base holds a function
        return array_end(error_object(error, request_id))


GEMINI = Gemini()
_IN_ARRAYS = GeminiInArrays()
