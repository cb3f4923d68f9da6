"""An embeddings request, read and written."""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyResponse, Head, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import OwnedModel, forget, once
from turnpike.wire.dialects.common.words import invalid
from turnpike.wire.profiles import quirks as q
from turnpike.wire.types.embeddings import EmbeddingsRequest, EmbeddingsResponse


class EmbeddingsHead(Head, gc=False):
    model: OwnedModel
    encoding_format: Any = None

    def output_bound(self) -> int | None:
        return 0  # vectors are not counted in tokens

    def shape(self, response: AnyResponse) -> AnyResponse:
        """Vectors in the encoding that was asked for, whatever the provider's is."""
        if not isinstance(response, EmbeddingsResponse) or self.encoding_format not in ("float", "base64"):
            return response
        return msgspec.structs.replace(response, encoding=self.encoding_format)


class _Shape(msgspec.Struct):
    model: str
    input: str | list[str | int | list[int]]
    dimensions: int | None = None
    encoding_format: str | None = None
    user: str | None = None
    input_type: str | None = None
    """No field of OpenAI's: servers of models that tell queries from documents take it beside them."""


_decode_head = msgspec.json.Decoder(EmbeddingsHead, dec_hook=once).decode
_decode = msgspec.json.Decoder(_Shape).decode


def decode_head(body: bytes) -> EmbeddingsHead:
    """Raises what `body_error` takes."""
    forget()
    return _decode_head(body)


def read_head(body: bytes) -> EmbeddingsHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def read_request(body: bytes) -> EmbeddingsRequest:
    try:
        shape = _decode(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error
    if shape.encoding_format not in (None, "float", "base64"):
        raise invalid("encoding_format", "must be float or base64.")
    return EmbeddingsRequest(
        model=shape.model,
        inputs=_inputs(shape.input),
        dimensions=shape.dimensions,
        encoding=shape.encoding_format or "float",
        user=shape.user,
        input_type=shape.input_type,
    )


def _inputs(given: str | list[str | int | list[int]]) -> tuple[str | tuple[int, ...], ...]:
    """One text, one text in tokens, or a list of either."""
    if isinstance(given, str):
        return (given,)
    if not given:
        raise invalid("input", "must not be empty.")
    if all(isinstance(item, int) for item in given):
        return (tuple(item for item in given if isinstance(item, int)),)
    inputs: list[str | tuple[int, ...]] = []
    for number, item in enumerate(given):
        if isinstance(item, int):
            raise invalid(f"input[{number}]", "mixes tokens with texts.")
        inputs.append(item if isinstance(item, str) else tuple(item))
    return tuple(inputs)


def write_request(request: EmbeddingsRequest, target: Target) -> bytes:
    inputs: list[str | list[int]] = [item if isinstance(item, str) else list(item) for item in request.inputs]
    body: dict[str, Any] = {"model": target.upstream_model, "input": inputs[0] if len(inputs) == 1 else inputs}
    if request.dimensions is not None:
        body["output_dimension" if q.OUTPUT_DIMENSION in target.quirks else "dimensions"] = request.dimensions
    if request.encoding != "float":
        body["encoding_format"] = request.encoding
    if request.user is not None and q.NO_USER not in target.quirks:
        body["user"] = request.user
    return msgspec.json.encode(body)
