"""A count of tokens, read and written: `{"totalTokens": 42}`. Nothing is billed for it."""

import msgspec

from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.types.conversation import Response
from turnpike.wire.types.usage import Usage


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: int
    cached_content_token_count: int = 0


_decode = msgspec.json.Decoder(_Count).decode


def read_response(body: bytes) -> Response:
    """The count is the usage's `input_tokens`. Raises UpstreamGarbage."""
    count = decode_answer(_decode, body, "a count of tokens")
    usage = Usage(input_tokens=count.total_tokens, cache_read_tokens=count.cached_content_token_count)
    return Response(id="", model="", usage=usage)


def write_response(response: Response) -> bytes:
    total = 0 if response.usage is None else response.usage.input_tokens
    details = [{"modality": "TEXT", "tokenCount": total}]
    return msgspec.json.encode({"totalTokens": total, "promptTokensDetails": details})


def read_usage(body: bytes) -> Usage | None:
    """No tokens: what is counted was not consumed. Raises UpstreamGarbage for what is no count."""
    read_response(body)
    return Usage()
