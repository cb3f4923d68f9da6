"""Canonical image generation: a prompt in, pictures out."""

import msgspec

from turnpike.wire.types.usage import Usage


class ImagesRequest(msgspec.Struct, kw_only=True):
    """What says `auto` at OpenAI is None here."""

    model: str
    prompt: str
    images: int = 1
    size: str | None = None
    """Width and height in pixels: `1024x1536`."""
    quality: str | None = None
    style: str | None = None
    background: str | None = None
    """`transparent` or `opaque`."""
    moderation: str | None = None
    """`low`: less is filtered than usual."""
    answer: str | None = None
    """`url` or `b64_json`; None: as the provider does."""
    format: str | None = None
    """`png`, `jpeg` or `webp`."""
    compression: int | None = None
    """Per cent of quality."""
    stream: bool = False
    partial_images: int = 0
    extra: tuple[str, ...] = ()
    """Names of fields that the caller's API has alone."""


class Picture(msgspec.Struct, frozen=True):
    """Data or an address."""

    data: str = ""
    """In base64."""
    url: str = ""
    revised_prompt: str = ""


class ImagesResponse(msgspec.Struct, kw_only=True):
    pictures: tuple[Picture, ...]
    format: str = ""
    """Of the data, where it is told."""
    usage: Usage | None = None
