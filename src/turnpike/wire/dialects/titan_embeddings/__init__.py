"""Amazon's Titan text embeddings, by Bedrock's InvokeModel: one text in a call. A provider's form.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.bedrock_converse.error import read_error
from turnpike.wire.dialects.common.embedding import Count, texts_of
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.dialects.common.reading import decode_answer
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.operations import Operation
from turnpike.wire.types.embeddings import EmbeddingsResponse
from turnpike.wire.types.usage import Usage

_FORM = "the form of Titan's embeddings"


class _Answer(msgspec.Struct):
    embedding: list[float]
    input_tokens: Count | None = msgspec.field(default=None, name="inputTextTokenCount")

    def usage(self) -> Usage | None:
        return None if self.input_tokens is None else Usage(int(self.input_tokens))


_decode = msgspec.json.Decoder(_Answer).decode


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible for several inputs, and for one in tokens."""
    wanted, texts = texts_of(request, _FORM)
    if len(texts) != 1:
        raise inexpressible("input", _FORM, "Send one input at a time.")
    body: dict[str, Any] = {"inputText": texts[0]}
    if wanted.dimensions is not None:
        body["dimensions"] = wanted.dimensions
    return msgspec.json.encode(body)


def read_response(body: bytes) -> EmbeddingsResponse:
    """Raises UpstreamGarbage."""
    answer = decode_answer(_decode, body, "an embedding")
    return EmbeddingsResponse(model="", vectors=(tuple(answer.embedding),), usage=answer.usage())


def read_usage(body: bytes) -> Usage | None:
    """Raises UpstreamGarbage."""
    return decode_answer(_decode, body, "an embedding").usage()


class TitanEmbeddings(ProviderForm):
    name = "titan_embeddings"
    operation = Operation.EMBEDDINGS

    read_error = staticmethod(read_error)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    write_request = staticmethod(write_request)


TITAN_EMBEDDINGS = TitanEmbeddings()
