"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, key_position, replace_model
from turnpike.wire.dialects.common.owned import OwnedMaxTokens, OwnedModel, OwnedStream, forget, once


class CohereHead(Head, gc=False):
    model: OwnedModel
    stream: OwnedStream | None = False  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    """Never None once it was read: null is the same as false."""
    max_tokens: OwnedMaxTokens | None = None

    def output_bound(self) -> int | None:
        return self.max_tokens


_decode = msgspec.json.Decoder(CohereHead, dec_hook=once).decode


def decode_head(body: bytes) -> CohereHead:
    """Raises what `head_error` takes."""
    forget()
    head = _decode(body)
    if head.stream is None:
        head.stream = False
    return head


def read_head(body: bytes) -> CohereHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Cohere's streams report usage unasked: only the model is replaced."""
    if upstream_model == head.model:
        return body
    return replace_model(body, key_position(body), upstream_model)
