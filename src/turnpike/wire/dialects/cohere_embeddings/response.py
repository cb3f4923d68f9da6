"""A v2 embed answer, read and written."""

import base64
import binascii
import struct
from typing import Annotated

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.types.embeddings import EmbeddingsResponse
from turnpike.wire.types.usage import MediaUsage, Usage

Count = Annotated[float, msgspec.Meta(ge=0, le=2**53)]


class _Units(msgspec.Struct, gc=False):
    input_tokens: Count | None = None
    image_tokens: Count | None = None
    images: Count | None = None


class _Meta(msgspec.Struct, gc=False):
    billed_units: _Units | None = None
    tokens: _Units | None = None


class _Reported(msgspec.Struct, gc=False):
    meta: _Meta | None = None


class _Embeddings(msgspec.Struct):
    floats: list[list[float]] | None = msgspec.field(default=None, name="float")
    packed: list[str] | None = msgspec.field(default=None, name="base64")


class _Shape(msgspec.Struct):
    embeddings: _Embeddings
    meta: msgspec.Raw = msgspec.Raw()


_decode = msgspec.json.Decoder(_Shape).decode
_decode_reported = msgspec.json.Decoder(_Reported).decode
_decode_meta = msgspec.json.Decoder(_Meta | None).decode


def read_usage(body: bytes) -> Usage | None:
    try:
        return _usage(_decode_reported(body).meta)
    except msgspec.ValidationError:
        return None  # JSON, but its usage is not one: unknown, and recorded as such
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UpstreamGarbage(f"The provider's answer is not JSON: {str(error)[:200]}.") from error


def _usage(meta: _Meta | None) -> Usage | None:
    """None when it counts nothing that is known. Images are billed by the piece or by their tokens."""
    units = None if meta is None else meta.billed_units or meta.tokens
    if units is None or (units.input_tokens is None and units.image_tokens is None and units.images is None):
        return None
    image_tokens = int(units.image_tokens or 0)
    images = int(units.images or 0)
    media = MediaUsage(images=images, input_image_tokens=image_tokens) if images or image_tokens else None
    return Usage(int(units.input_tokens or 0) + image_tokens, media=media)


def read_response(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "embeddings of Cohere's form")
    try:
        usage = _usage(_decode_meta(answer.meta))
    except msgspec.DecodeError:
        usage = None
    floats, packed = answer.embeddings.floats, answer.embeddings.packed
    if packed is not None:
        vectors = tuple(_unpacked(one) for one in packed)
    elif floats is not None:
        vectors = tuple(tuple(one) for one in floats)
    else:
        raise UpstreamGarbage("The provider's answer holds no embeddings of the type that was asked for.")
    return EmbeddingsResponse(model="", vectors=vectors, usage=usage, encoding="float" if packed is None else "base64")


def _unpacked(embedding: str) -> tuple[float, ...]:
    try:
        data = base64.b64decode(embedding, validate=True)
    except binascii.Error as error:
        raise UpstreamGarbage("The provider's embedding is not valid base64.") from error
    if len(data) % 4:
        raise UpstreamGarbage("The provider's embedding is not a list of 32-bit floats.")
    return struct.unpack(f"<{len(data) // 4}f", data)


def write_response(response: EmbeddingsResponse, model: str) -> bytes:
    """`model` is not said: the form has no place for it."""
    tokens = 0 if response.usage is None else response.usage.input_tokens
    packed = response.encoding == "base64"
    vectors: list[str] | list[tuple[float, ...]] = (
        [base64.b64encode(struct.pack(f"<{len(one)}f", *one)).decode() for one in response.vectors]
        if packed
        else list(response.vectors)
    )
    return msgspec.json.encode(
        {
            "id": "0",
            "response_type": "embeddings_by_type",
            "embeddings": {"base64" if packed else "float": vectors},
            "meta": {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}},
        }
    )
