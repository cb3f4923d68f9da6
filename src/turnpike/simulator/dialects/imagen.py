"""Imagen's `:predict`, at the Gemini API and at Vertex AI. A prompt that holds `[filtered]` makes no image, one that
holds `[half-filtered]` only every other.

Sources: Google's pages on Imagen in the Gemini API, and "Generate images" in Vertex AI's reference.
"""

import base64
from typing import Any

from turnpike.simulator.dialects.fields import FieldError, between, check, maybe, one_of, take
from turnpike.simulator.exchange import Call
from turnpike.simulator.pictures import png

SHAPES = ("1:1", "3:4", "4:3", "9:16", "16:9")
TYPES = ("image/png", "image/jpeg")
_KNOWN = {"sampleCount", "aspectRatio", "sampleImageSize", "outputOptions", "includeRaiReason"}
_REASON = "The image was filtered out because it violated Google's usage guidelines."


def is_imagen(model: str) -> bool:
    return model.startswith("imagen")


def predictions(call: Call) -> dict[str, Any]:
    """The answer's body. Raises FieldError."""
    instances = take(call.data, "instances", list)
    if len(instances) != 1:
        raise FieldError("instances", "value", "exactly one is expected")
    prompt = take(check(instances[0], dict, "instances[0]"), "prompt", str, "instances[0]")
    given: dict[str, Any] = maybe(call.data, "parameters", dict) or {}
    unknown = sorted(given.keys() - _KNOWN)
    if unknown:
        raise FieldError(f"parameters.{unknown[0]}", "value", "it is not supported")
    count = maybe(given, "sampleCount", int, "parameters")
    between(count, 1, 4, "parameters.sampleCount")
    one_of(given.get("aspectRatio", "1:1"), SHAPES, "parameters.aspectRatio")
    one_of(given.get("sampleImageSize", "1K"), ("1K", "2K"), "parameters.sampleImageSize")
    options = maybe(given, "outputOptions", dict, "parameters") or {}
    kind = one_of(options.get("mimeType", TYPES[0]), TYPES, "parameters.outputOptions.mimeType")
    made: list[dict[str, Any]] = []
    for index in range(4 if count is None else count):
        if "[filtered]" in prompt or ("[half-filtered]" in prompt and index % 2):
            made += [{"raiFilteredReason": _REASON}] if given.get("includeRaiReason") else []
        else:
            data = base64.b64encode(png(f"{prompt} {index}")).decode()
            made.append({"mimeType": kind, "bytesBase64Encoded": data})
    return {"predictions": made} if made else {}
