"""The fast lane of a request: reading the few fields that the gateway owns, and replacing them in place."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import (
    BODY_ERRORS,
    body_error,
    doubtful,
    key_position,
    replace_member,
    replace_model,
    require_single,
)
from turnpike.wire.profiles.quirks import NO_STREAM_OPTIONS

_ASK_USAGE = b'"stream_options":{"include_usage":true},'
_NO_QUIRKS: frozenset[str] = frozenset()


class StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


class ChatHead(Head, gc=False):
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: int | None = None
    stream_options: StreamOptions | msgspec.UnsetType | None = msgspec.UNSET

    def output_bound(self) -> int | None:
        bound = self.max_completion_tokens
        if bound is None:
            bound = self.max_tokens
            if bound is None:
                return None
        return bound * self.n if self.n else bound

    def wants_usage(self) -> bool:
        """Whether the caller itself asked for usage in its stream."""
        options = self.stream_options
        return isinstance(options, StreamOptions) and bool(options.include_usage)


class _LenientHead(ChatHead, gc=False):
    """`stream: null` is allowed by the reference, and rare."""

    stream: bool | None = None  # pyright: ignore[reportIncompatibleVariableOverride]


decode_head = msgspec.json.Decoder(ChatHead).decode
_decode_lenient = msgspec.json.Decoder(_LenientHead).decode


def read_head(body: bytes) -> ChatHead:
    try:
        return decode_head(body)
    except msgspec.ValidationError as error:
        return _read_lenient(body, error)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def _read_lenient(body: bytes, first: msgspec.ValidationError) -> ChatHead:
    try:
        head = _decode_lenient(body)
    except BODY_ERRORS:
        raise body_error(first) from first
    return ChatHead(
        model=head.model,
        stream=bool(head.stream),
        max_tokens=head.max_tokens,
        max_completion_tokens=head.max_completion_tokens,
        n=head.n,
        stream_options=head.stream_options,
    )


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def check_owned(body: bytes, head: Head) -> None:
    if doubtful(body):
        key_position(body)
    if head.stream and body.count(b'"stream"') != 1:
        require_single(body, "stream")


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = _NO_QUIRKS) -> bytes:
    position = key_position(body)
    if head.stream:
        return _splice_stream(body, head, position, upstream_model, quirks)
    if upstream_model == head.model:
        return body
    return replace_model(body, position, head.model, upstream_model)


def _splice_stream(body: bytes, head: Head, position: int, upstream_model: str, quirks: frozenset[str]) -> bytes:
    if body.count(b'"stream"') != 1:
        require_single(body, "stream")
    options = head.stream_options if isinstance(head, ChatHead) else msgspec.UNSET
    if options is not msgspec.UNSET:
        require_single(body, "stream_options")
    if upstream_model != head.model:
        body = replace_model(body, position, head.model, upstream_model)
    if NO_STREAM_OPTIONS in quirks or (isinstance(options, StreamOptions) and options.include_usage):
        return body
    if options is msgspec.UNSET:
        return body[:position] + _ASK_USAGE + body[position:]
    return replace_member(body, "stream_options", {"include_usage": True})
