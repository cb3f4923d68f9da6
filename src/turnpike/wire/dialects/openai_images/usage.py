"""What an answer with images says of its usage.

GPT Image models count tokens of text and of images; others say nothing, and the images are counted.
"""

from typing import Any

import msgspec

from turnpike.wire.dialects.common.alone import plain_text
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.openai_chat.usage_shapes import Count
from turnpike.wire.dialects.openai_images.head import image_class
from turnpike.wire.types.usage import MediaUsage, Usage


class Details(msgspec.Struct, gc=False):
    image_tokens: Count | None = None
    cached_tokens: Count | None = None


class ImagesUsage(msgspec.Struct, gc=False):
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    input_tokens_details: Details | None = None
    output_tokens_details: Details | None = None


class _Answer(msgspec.Struct, gc=False):
    data: list[msgspec.Raw] | None = None
    size: Any = None
    quality: Any = None
    usage: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Answer).decode
_decode_usage = msgspec.json.Decoder(ImagesUsage | None).decode


def read_usage(body: bytes) -> Usage:
    """Never None: images can be counted. Raises UpstreamGarbage for what is no answer of this form."""
    answer = decode_answer(_decode, body, "a list of images")
    shown = image_class(plain_text(answer.size), plain_text(answer.quality))
    return to_usage(tokens_of(bytes(answer.usage)), len(answer.data or ()), shown)


def tokens_of(raw: bytes) -> ImagesUsage | None:
    """None for null, and for what is no usage."""
    if not raw:
        return None
    try:
        return _decode_usage(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def to_usage(reported: ImagesUsage | None, images: int, shown: str) -> Usage:
    """All output is image tokens where the answer does not divide it: that is what these models put out."""
    if reported is None or reported.input_tokens is None:
        return Usage(media=MediaUsage(images=images, image_class=shown))
    output = reported.output_tokens or 0
    sent, made = reported.input_tokens_details, reported.output_tokens_details
    of_images = made.image_tokens if made is not None else None
    return Usage(
        input_tokens=reported.input_tokens,
        output_tokens=output,
        cache_read_tokens=(sent.cached_tokens or 0) if sent is not None else 0,
        media=MediaUsage(
            images=images,
            image_class=shown,
            input_image_tokens=(sent.image_tokens or 0) if sent is not None else 0,
            output_image_tokens=output if of_images is None else min(of_images, output),
        ),
    )
