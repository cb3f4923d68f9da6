"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place."""

from typing import Any

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, key_position, replace_member, replace_model
from turnpike.wire.dialects.common.owned import (
    OwnedMaxCompletionTokens,
    OwnedMaxTokens,
    OwnedModel,
    OwnedN,
    OwnedStream,
    OwnedStreamOptions,
    forget,
    once,
)
from turnpike.wire.dialects.openai_chat.rewrite import rewritten
from turnpike.wire.profiles.quirks import NO_STREAM_OPTIONS, REWRITTEN

_ASK_USAGE = b'"stream_options":{"include_usage":true},'
_NO_QUIRKS: frozenset[str] = frozenset()


class ChatHead(Head, gc=False):
    model: OwnedModel
    stream: OwnedStream | None = False  # pyright: ignore[reportIncompatibleVariableOverride] - read only
    """Never None once it was read: null is the same as false."""
    max_tokens: OwnedMaxTokens | None = None
    max_completion_tokens: OwnedMaxCompletionTokens | None = None
    n: OwnedN | None = None
    stream_options: OwnedStreamOptions | msgspec.UnsetType | None = msgspec.UNSET
    store: msgspec.Raw = msgspec.Raw()
    """As it stands there; empty when it does not."""

    def output_bound(self) -> int | None:
        bound = self.max_completion_tokens
        if bound is None:
            bound = self.max_tokens
            if bound is None:
                return None
        return bound * self.n if self.n else bound

    def choices(self) -> int:
        return self.n or 1

    def wants_usage(self) -> bool:
        """Whether the caller itself asked for usage in its stream."""
        options = self.stream_options
        return isinstance(options, dict) and options.get("include_usage") is True


_decode = msgspec.json.Decoder(ChatHead, dec_hook=once).decode


def decode_head(body: bytes) -> ChatHead:
    """Raises what `head_error` takes."""
    forget()
    head = _decode(body)
    if head.stream is None:
        head.stream = False
    return head


def read_head(body: bytes) -> ChatHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = _NO_QUIRKS) -> bytes:
    if quirks and not REWRITTEN.isdisjoint(quirks):
        body = rewritten(body, quirks)
    if head.stream and NO_STREAM_OPTIONS not in quirks:
        return _ask_usage(body, head, upstream_model)
    if upstream_model == head.model:
        return body
    return replace_model(body, key_position(body), upstream_model)


def _ask_usage(body: bytes, head: Head, upstream_model: str) -> bytes:
    options: Any = head.stream_options if isinstance(head, ChatHead) else msgspec.UNSET
    position = key_position(body)
    if upstream_model != head.model:
        body = replace_model(body, position, upstream_model)
    if options is msgspec.UNSET:
        return body[:position] + _ASK_USAGE + body[position:]
    if isinstance(options, dict) and options.get("include_usage") is True:  # pyright: ignore[reportUnknownMemberType] - JSON of any shape
        return body
    return replace_member(body, "stream_options", {"include_usage": True})
