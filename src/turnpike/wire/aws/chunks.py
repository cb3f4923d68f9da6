"""Anthropic's stream as Bedrock carries it: each event as base64 in a message of Amazon's event stream.

Unwrapped into the server-sent events that Anthropic itself would send, so that a caller of Anthropic's form gets every
event as it is. Source: InvokeModelWithResponseStream in the Bedrock Runtime API reference.
"""

import base64
import binascii

import msgspec

from turnpike.errors import UpstreamCut, UpstreamGarbage
from turnpike.kit.eventstream import EventStreamDecoder, EventStreamError
from turnpike.kit.sse import encode_sse
from turnpike.wire.dialects.anthropic_messages.error import write_stream_error
from turnpike.wire.dialects.bedrock_converse.error import stream_error


class _Chunk(msgspec.Struct):
    bytes: str = ""


class _Event(msgspec.Struct):
    type: str


_chunk = msgspec.json.Decoder(_Chunk).decode
_event = msgspec.json.Decoder(_Event).decode


class AnthropicChunks:
    """One stream's unwrapping."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        self._decoder = EventStreamDecoder()

    def feed(self, data: bytes) -> bytes:
        """Whole events only. Raises UpstreamGarbage for what is no such stream."""
        try:
            messages = self._decoder.feed(data)
        except EventStreamError as error:
            raise UpstreamGarbage(f"The provider's stream is not one of Amazon's events: {error}.") from error
        written: list[bytes] = []
        for message in messages:
            failed = stream_error(message)
            if failed is not None:
                written.append(write_stream_error(failed, ""))
            elif message.headers.get(":event-type") == "chunk":
                written.append(_unwrapped(message.payload))
        return b"".join(written)

    def end(self) -> None:
        """Raises UpstreamCut when the stream ends within a message."""
        if self._decoder.rest:
            raise UpstreamCut("The provider broke its stream off in the middle of an event.")


def _unwrapped(payload: bytes) -> bytes:
    try:
        data = base64.b64decode(_chunk(payload).bytes, validate=True)
        return encode_sse(data, event=_event(data).type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, binascii.Error, ValueError) as error:
        raise UpstreamGarbage("A chunk of the provider's stream is no event of Anthropic's.") from error
