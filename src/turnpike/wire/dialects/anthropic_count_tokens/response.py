"""A count of tokens, read and written: `{"input_tokens": 42}`. It is an estimate, and nothing is billed for it."""

import msgspec

from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.types.conversation import Response
from turnpike.wire.types.usage import Usage


class _Count(msgspec.Struct):
    input_tokens: int


_decode = msgspec.json.Decoder(_Count).decode


def read_response(body: bytes) -> Response:
    """The count is the usage's `input_tokens`. Raises UpstreamGarbage."""
    count = decode_answer(_decode, body, "a count of tokens").input_tokens
    return Response(id="", model="", usage=Usage(input_tokens=count))


def write_response(response: Response, model: str) -> bytes:
    return msgspec.json.encode(_Count(0 if response.usage is None else response.usage.input_tokens))


def read_usage(body: bytes) -> Usage | None:
    """No tokens: what is counted was not consumed. Raises UpstreamGarbage for what is no count."""
    read_response(body)
    return Usage()
