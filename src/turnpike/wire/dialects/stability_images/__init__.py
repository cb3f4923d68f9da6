"""Stability AI's image generation: `POST /v2beta/stable-image/generate/{core,ultra,sd3}`, a form in and one image out.

A provider's form. Stable Image is one model a path; the family of Stable Diffusion 3 has one path and `model`. Source:
https://platform.stability.ai/docs/api-reference (Generate)
"""

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.form_request import FormRequests, write_form
from turnpike.wire.dialects.common.imaging import as_images, filtered, pixels_of, shape_of, shapes
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.operations import Operation
from turnpike.wire.types.images import ImagesResponse, Picture
from turnpike.wire.types.usage import MediaUsage, Usage

_FORM = "Stability AI's form"
_SHAPES = shapes("1:1", "2:3", "3:2", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9")
_MOST_PIXELS = 2**21
"""Its images have about a million."""


class _Answer(msgspec.Struct):
    image: str | None = None
    finish_reason: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


class StabilityImages(FormRequests):
    operation = Operation.IMAGE_GENERATION

    read_error = staticmethod(read_error)

    def __init__(self, name: str, formats: tuple[str, ...], *, names_model: bool) -> None:
        self.name = name
        self._formats = formats
        self._names_model = names_model

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        """Raises Inexpressible."""
        wanted = as_images(request, _FORM)
        if wanted.images != 1:
            raise inexpressible("n", _FORM, "It makes one image a call.")
        fields = [("prompt", wanted.prompt)]
        if self._names_model:
            fields.append(("model", target.upstream_model))
        if wanted.size is not None:
            fields.append(("aspect_ratio", _shape(wanted.size)))
        if wanted.format is not None:
            if wanted.format not in self._formats:
                raise inexpressible("output_format", _FORM, f"This model makes {', '.join(self._formats)}.")
            fields.append(("output_format", wanted.format))
        if wanted.compression is not None:
            raise inexpressible("output_compression", _FORM)
        return write_form(fields)

    def read_response(self, body: bytes) -> ImagesResponse:
        """Raises UpstreamGarbage, or UpstreamRefused for an image that was filtered."""
        answer = decode_answer(_decode, body, "an image")
        if answer.finish_reason == "CONTENT_FILTERED":
            raise filtered("The provider's content filter refused the image.")
        if not answer.image:
            raise UpstreamGarbage("The provider's answer holds no image.")
        return ImagesResponse(pictures=(Picture(data=answer.image),), usage=_usage(answer))

    def read_usage(self, body: bytes) -> Usage | None:
        """Raises UpstreamGarbage."""
        return _usage(decode_answer(_decode, body, "an image"))


def _shape(size: str) -> str:
    width, height = pixels_of(size, _FORM)
    if width * height > _MOST_PIXELS:
        raise inexpressible("size", _FORM, "Its images have about a million pixels.")
    return shape_of(size, _SHAPES, _FORM)


def _usage(answer: _Answer) -> Usage:
    """A filtered image that came, blurred, was made all the same."""
    return Usage(media=MediaUsage(images=1 if answer.image else 0))


STABILITY_IMAGES = StabilityImages("stability_images", ("png", "jpeg", "webp"), names_model=False)
STABILITY_SD3 = StabilityImages("stability_sd3", ("png", "jpeg"), names_model=True)
