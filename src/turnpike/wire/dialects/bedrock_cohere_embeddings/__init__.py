"""Cohere's embeddings by Bedrock's InvokeModel: Cohere's own form without `model`, in floats only, and without a count
of tokens, which Bedrock tells in a header. A provider's form.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html
"""

from typing import Any

import msgspec

from turnpike.wire.dialect import AnyRequest, Target
from turnpike.wire.dialects.bedrock_converse.error import read_error
from turnpike.wire.dialects.cohere_embeddings.request import DEFAULT_INPUT_TYPE, FORMAT
from turnpike.wire.dialects.cohere_embeddings.response import read_response, read_usage
from turnpike.wire.dialects.common.embedding import texts_of
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.operations import Operation


def write_request(request: AnyRequest, target: Target) -> bytes:
    """Raises Inexpressible for inputs in tokens."""
    wanted, texts = texts_of(request, FORMAT)
    body: dict[str, Any] = {
        "input_type": wanted.input_type or DEFAULT_INPUT_TYPE,
        "texts": texts,
        "embedding_types": ["float"],
    }
    if wanted.dimensions is not None:
        body["output_dimension"] = wanted.dimensions
    return msgspec.json.encode(body)


class BedrockCohereEmbeddings(ProviderForm):
    name = "bedrock_cohere_embeddings"
    operation = Operation.EMBEDDINGS

    read_error = staticmethod(read_error)
    read_usage = staticmethod(read_usage)
    read_response = staticmethod(read_response)
    write_request = staticmethod(write_request)


BEDROCK_COHERE_EMBEDDINGS = BedrockCohereEmbeddings()
