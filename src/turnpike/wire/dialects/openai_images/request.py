"""A request for images, read for a provider of another form."""

from typing import Annotated

import msgspec

from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, members_beside
from turnpike.wire.types.images import ImagesRequest

_AUTO = frozenset((None, "", "auto"))


class _Request(msgspec.Struct):
    prompt: str
    model: str | None = None
    n: Annotated[int, msgspec.Meta(ge=1)] | None = None
    size: str | None = None
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    moderation: str | None = None
    response_format: str | None = None
    output_format: str | None = None
    output_compression: int | None = None
    partial_images: int | None = None
    stream: bool | None = None
    user: str | None = None
    """Left out for others: their answer is the same without it."""


_decode = msgspec.json.Decoder(_Request).decode


def read_request(body: bytes) -> ImagesRequest:
    """Raises InvalidRequest, naming the field."""
    try:
        asked = _decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return ImagesRequest(
        model=asked.model or "",
        prompt=asked.prompt,
        images=asked.n or 1,
        size=_said(asked.size),
        quality=_said(asked.quality),
        style=_said(asked.style),
        background=_said(asked.background),
        moderation=_said(asked.moderation),
        answer=asked.response_format or None,
        format=asked.output_format or None,
        compression=asked.output_compression,
        stream=bool(asked.stream),
        partial_images=asked.partial_images or 0,
        extra=members_beside(body, _Request),
    )


def _said(value: str | None) -> str | None:
    return None if value in _AUTO else value
