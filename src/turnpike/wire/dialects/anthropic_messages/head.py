"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import (
    BODY_ERRORS,
    body_error,
    doubtful,
    key_position,
    replace_model,
    require_single,
)


class MessagesHead(Head, gc=False):
    max_tokens: int | None = None

    def output_bound(self) -> int | None:
        return self.max_tokens


decode_head = msgspec.json.Decoder(MessagesHead).decode


def read_head(body: bytes) -> MessagesHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def check_owned(body: bytes, head: Head) -> None:
    if doubtful(body):
        key_position(body)
    if head.stream and body.count(b'"stream"') != 1:
        require_single(body, "stream")


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Anthropic's streams report usage unasked: only the model is replaced."""
    position = key_position(body)
    if head.stream and body.count(b'"stream"') != 1:
        require_single(body, "stream")
    if upstream_model == head.model:
        return body
    return replace_model(body, position, head.model, upstream_model)
