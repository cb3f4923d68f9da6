"""What providers' own forms of image generation have in common: most know shapes instead of sizes, and few of OpenAI's
other words."""

import re
from collections.abc import Mapping

from turnpike.errors import RefusalKind, UpstreamRefused
from turnpike.wire.dialect import AnyRequest
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.types.images import ImagesRequest

_SIZE = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")
_NEAR = 0.02
"""By how much a size may differ from a shape that it is said as: 1792x1024 is 16:9."""


def as_images(request: AnyRequest, form: str) -> ImagesRequest:
    """Raises Inexpressible for what none of these forms has a word for: events, quality, style, transparency, looser
    filters, addresses."""
    if not isinstance(request, ImagesRequest):
        raise TypeError(f"a request for images is expected, not {type(request).__name__}")
    said = (
        ("stream", request.stream, "Its images come whole."),
        ("partial_images", request.partial_images > 0, "Its images come whole."),
        ("quality", request.quality is not None, "The model says how good an image is."),
        ("style", request.style is not None, ""),
        ("background", request.background not in (None, "opaque"), "Its images are opaque."),
        ("moderation", request.moderation is not None, ""),
        ("response_format", request.answer not in (None, "b64_json"), "Its images come as data."),
    )
    for name, is_said, advice in said:
        if is_said:
            raise inexpressible(name, form, advice)
    if request.extra:
        raise inexpressible(request.extra[0], form)
    return request


def pixels_of(size: str, form: str) -> tuple[int, int]:
    """Width and height. Raises Inexpressible for what is no size."""
    found = _SIZE.fullmatch(size)
    if found is None:
        raise inexpressible("size", form, "It takes a width and a height: 1024x1024.")
    return int(found[1]), int(found[2])


def shape_of(size: str, shapes: Mapping[str, float], form: str) -> str:
    """The nearest of some shapes, `16:9` and the like by width over height. Raises Inexpressible where none is near."""
    width, height = pixels_of(size, form)
    name, ratio = min(shapes.items(), key=lambda shape: abs(width / height / shape[1] - 1))
    if abs(width / height / ratio - 1) > _NEAR:
        raise inexpressible("size", form, f"It makes images of {', '.join(shapes)}.")
    return name


def shapes(*names: str) -> dict[str, float]:
    """By name: `16:9` is 16 / 9."""
    return {name: int(name.partition(":")[0]) / int(name.partition(":")[2]) for name in names}


def filtered(reason: str) -> UpstreamRefused:
    """The provider made no image, for what the prompt or the image shows."""
    return UpstreamRefused(reason, status=400, kind=RefusalKind.CONTENT)
