"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.anthropic_messages.cloud import cloud_members, is_elsewhere
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, change_members, key_position, replace_model
from turnpike.wire.dialects.common.owned import OwnedMaxTokens, OwnedModel, OwnedStream, forget, once


class MessagesHead(Head, gc=False):
    model: OwnedModel
    stream: OwnedStream = False
    max_tokens: OwnedMaxTokens | None = None

    def output_bound(self) -> int | None:
        return self.max_tokens


_decode = msgspec.json.Decoder(MessagesHead, dec_hook=once).decode


def decode_head(body: bytes) -> MessagesHead:
    """Raises what `head_error` takes."""
    forget()
    return _decode(body)


def read_head(body: bytes) -> MessagesHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Anthropic's streams report usage unasked: only the model is replaced, or for a cloud taken out."""
    if quirks and is_elsewhere(quirks):
        removed, added = cloud_members(quirks)
        return change_members(body, removed, added)
    if upstream_model == head.model:
        return body
    return replace_model(body, key_position(body), upstream_model)
