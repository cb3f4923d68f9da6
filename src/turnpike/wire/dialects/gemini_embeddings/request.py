"""An embeddings request, read and written."""

from collections.abc import Callable
from typing import Any

import msgspec

from turnpike.wire.dialect import Head, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.words import inexpressible, invalid
from turnpike.wire.dialects.gemini.head import PREFIX
from turnpike.wire.dialects.gemini.parts import ANY_OTHER, FORMAT, parts_of
from turnpike.wire.dialects.gemini.shapes import ContentShape, Shape
from turnpike.wire.dialects.gemini.spelling import in_camel_case
from turnpike.wire.types.embeddings import EmbeddingsRequest

Json = dict[str, Any]


class _One(Shape):
    content: ContentShape | None = None
    model: str | None = None
    output_dimensionality: int | None = None
    task_type: str | None = None
    title: str | None = None


class _Batch(Shape):
    requests: list[_One]


_decode_one = msgspec.json.Decoder(_One).decode
_decode_batch = msgspec.json.Decoder(_Batch).decode


def read_head(decode: Callable[[bytes], Head], body: bytes) -> Head:
    """Raises InvalidJson or InvalidRequest."""
    try:
        return decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def read_one(body: bytes) -> EmbeddingsRequest:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        one = _decode_one(in_camel_case(body))
    except BODY_ERRORS as error:
        raise body_error(error) from error
    return _request([one], "")


def read_batch(body: bytes) -> EmbeddingsRequest:
    """Raises InvalidJson, InvalidRequest or, for what has no canonical word, Inexpressible."""
    try:
        requests = _decode_batch(in_camel_case(body)).requests
    except BODY_ERRORS as error:
        raise body_error(error) from error
    if not requests:
        raise invalid("requests", "must not be empty.")
    return _request(requests, "requests")


def _request(requests: list[_One], param: str) -> EmbeddingsRequest:
    first = requests[0]
    inputs: list[str] = []
    for number, one in enumerate(requests):
        where = f"{param}[{number}]." if param else ""
        if one.output_dimensionality != first.output_dimensionality:
            raise inexpressible(f"{where}outputDimensionality", ANY_OTHER, "It must be the same for all.")
        for name, value in (("taskType", one.task_type), ("title", one.title)):
            if value and value != "TASK_TYPE_UNSPECIFIED":
                raise inexpressible(where + name, ANY_OTHER)
        inputs.append(_text(one, where))
    model = (first.model or "").removeprefix(PREFIX)
    return EmbeddingsRequest(model=model, inputs=tuple(inputs), dimensions=first.output_dimensionality)


def _text(one: _One, where: str) -> str:
    parts = parts_of(one.content)
    if not parts:
        raise invalid(f"{where}content", "is required.")
    if len(parts) > 1 or parts[0].text is None:
        raise inexpressible(f"{where}content.parts", ANY_OTHER, "An input is one text.")
    return parts[0].text


def write_batch(request: EmbeddingsRequest, target: Target) -> bytes:
    """Raises Inexpressible for inputs in tokens."""
    model = PREFIX + target.upstream_model
    requests = [{"model": model, **_written(text, request, i)} for i, text in enumerate(request.inputs)]
    return msgspec.json.encode({"requests": requests})


def write_one(request: EmbeddingsRequest, target: Target) -> bytes:
    """Raises Inexpressible for several inputs, and for inputs in tokens."""
    if len(request.inputs) != 1:
        raise inexpressible("input", "Gemini's form of embedContent", "Send one input at a time.")
    return msgspec.json.encode(_written(request.inputs[0], request, 0))


def _written(text: str | tuple[int, ...], request: EmbeddingsRequest, number: int) -> Json:
    if not isinstance(text, str):
        raise inexpressible(f"input[{number}]", FORMAT, "Send a text instead of tokens.")
    written: Json = {"content": {"parts": [{"text": text}]}}
    if request.dimensions is not None:
        written["outputDimensionality"] = request.dimensions
    return written
