"""A request to count tokens, read and written."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, replace_member
from turnpike.wire.dialects.common.owned import OwnedGenerateRequest, OwnedModel, forget, once
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini import head as _head
from turnpike.wire.dialects.gemini.head import PREFIX
from turnpike.wire.dialects.gemini.parts import FORMAT, NAME, is_null
from turnpike.wire.dialects.gemini.request_read import read_request as read_prompt
from turnpike.wire.dialects.gemini.request_write import write_prompt
from turnpike.wire.dialects.gemini.spelling import in_camel_case
from turnpike.wire.types.conversation import Request

_INNER = ("generateContentRequest", "generate_content_request")


class CountHead(Head, gc=False):
    model: OwnedModel = ""
    """The body's own, at the top or in its inner request, until the path's takes its place."""
    generateContentRequest: OwnedGenerateRequest | None = None  # noqa: N815 - Google's spelling
    generate_content_request: OwnedGenerateRequest | None = None

    def output_bound(self) -> int | None:
        return 0  # nothing is generated


class _Shape(msgspec.Struct, rename="camel"):
    generate_content_request: msgspec.Raw = msgspec.Raw(b"null")


_decode_head = msgspec.json.Decoder(CountHead, dec_hook=once).decode
_decode = msgspec.json.Decoder(_Shape).decode


def decode_head(body: bytes) -> CountHead:
    """Raises what `head_error` takes, or InvalidRequest where the body names two models."""
    forget()
    head = _decode_head(body)
    inner = head.generateContentRequest or head.generate_content_request or {}
    named = inner.get("model", "")
    if not isinstance(named, str) or (head.model and named and named != head.model):
        raise invalid("generateContentRequest.model", "must be the one model that the path names.")
    head.model = (head.model or named).removeprefix(PREFIX)
    return head


def read_head(body: bytes) -> CountHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Replaces the model that the inner request repeats."""
    body = _head.splice(body, head, upstream_model, quirks)
    if isinstance(head, CountHead):
        for name in _INNER:
            inner = getattr(head, name)
            if inner is not None and "model" in inner:
                body = replace_member(body, name, {"model": PREFIX + upstream_model})
    return body


def read_request(body: bytes) -> Request:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        plain = in_camel_case(body)
        inner = _decode(plain).generate_content_request
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return read_prompt(plain if is_null(inner) else bytes(inner))


def write_request(request: Request, target: Target) -> bytes:
    """Contents alone where that is all; the sampling of the request is left out, for it is not counted."""
    if request.extra and request.extra_of != NAME:
        raise inexpressible(next(iter(request.extra)), FORMAT)
    prompt = write_prompt(request, target)
    if len(prompt) > 1:
        prompt = {"generateContentRequest": {"model": PREFIX + target.upstream_model, **prompt}}
    return msgspec.json.encode(prompt)
