"""Google's Imagen: `:predict` with one instance, answered with a prediction for each image. A provider's form, of the
Gemini API and of Vertex AI.

Sources: https://ai.google.dev/gemini-api/docs/imagen and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api
"""

from typing import Any

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.common.errors import scrub
from turnpike.wire.dialects.common.imaging import as_images, filtered, pixels_of, shape_of, shapes
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.dialects.gemini.error import read_error
from turnpike.wire.operations import Operation
from turnpike.wire.types.images import ImagesResponse, Picture
from turnpike.wire.types.usage import MediaUsage, Usage

_FORM = "the form of Imagen"
_SHAPES = shapes("1:1", "3:4", "4:3", "9:16", "16:9")
_STEPS = ((2**21, "1K"), (2**23, "2K"))
"""Sizes have so many pixels at most; most images are of the first."""
_TYPES = {"png": "image/png", "jpeg": "image/jpeg"}


class _Prediction(msgspec.Struct, rename="camel"):
    data: str | None = msgspec.field(default=None, name="bytesBase64Encoded")
    mime_type: str | None = None
    prompt: str | None = None
    """As the model rewrote it."""
    rai_filtered_reason: str | None = None


class _Answer(msgspec.Struct):
    predictions: list[_Prediction]


_decode = msgspec.json.Decoder(_Answer).decode


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible."""
    wanted = as_images(request, _FORM)
    # Without a number it makes four.
    parameters: dict[str, Any] = {"sampleCount": wanted.images, "includeRaiReason": True}
    if wanted.size is not None:
        parameters["aspectRatio"] = shape_of(wanted.size, _SHAPES, _FORM)
        step = _step(wanted.size)
        if step != _STEPS[0][1]:
            parameters["sampleImageSize"] = step
    options: dict[str, Any] = {}
    if wanted.format is not None:
        if wanted.format not in _TYPES:
            raise inexpressible("output_format", _FORM, f"It makes {', '.join(_TYPES)}.")
        options["mimeType"] = _TYPES[wanted.format]
    if wanted.compression is not None:
        if wanted.format != "jpeg":
            raise inexpressible("output_compression", _FORM, "Of its images JPEG is compressed.")
        options["compressionQuality"] = wanted.compression
    if options:
        parameters["outputOptions"] = options
    return msgspec.json.encode({"instances": [{"prompt": wanted.prompt}], "parameters": parameters})


def _step(size: str) -> str:
    width, height = pixels_of(size, _FORM)
    step = next((name for most, name in _STEPS if width * height <= most), None)
    if step is None:
        raise inexpressible("size", _FORM, "Its largest images have 2048 pixels a side.")
    return step


def read_response(body: bytes) -> ImagesResponse:
    """Raises UpstreamGarbage, or UpstreamRefused where every image was filtered."""
    answer = decode_answer(_decode, body, "a list of predictions")
    made = [each for each in answer.predictions if each.data]
    if not made:
        reasons = [each.rai_filtered_reason for each in answer.predictions if each.rai_filtered_reason]
        if reasons:
            raise filtered(scrub(reasons[0]))
        raise UpstreamGarbage("The provider's answer holds no image.")
    names = {kind: name for name, kind in _TYPES.items()}
    return ImagesResponse(
        pictures=tuple(Picture(data=each.data or "", revised_prompt=each.prompt or "") for each in made),
        format=names.get(made[0].mime_type or "", ""),
        usage=_usage(answer),
    )


def read_usage(body: bytes) -> Usage | None:
    """Images that came are billed, filtered ones are not. Raises UpstreamGarbage."""
    return _usage(decode_answer(_decode, body, "a list of predictions"))


def _usage(answer: _Answer) -> Usage:
    return Usage(media=MediaUsage(images=sum(1 for each in answer.predictions if each.data)))


class Imagen(ProviderForm):
    name = "imagen"
    operation = Operation.IMAGE_GENERATION

    read_error = staticmethod(read_error)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    write_request = staticmethod(write_request)


IMAGEN = Imagen()
