"""What forms of embeddings have in common."""

from typing import Annotated

import msgspec

from turnpike.wire.dialect import AnyRequest
from turnpike.wire.dialects.common.words import inexpressible
from turnpike.wire.types.embeddings import EmbeddingsRequest

Count = Annotated[float, msgspec.Meta(ge=0, le=2**53)]
"""Of tokens: some providers write whole numbers as `4.0`."""


def texts_of(request: AnyRequest, form: str) -> tuple[EmbeddingsRequest, list[str]]:
    """Raises Inexpressible, naming the input, for one in tokens."""
    if not isinstance(request, EmbeddingsRequest):
        raise TypeError(f"an embeddings request is expected, not {type(request).__name__}")
    texts: list[str] = []
    for number, one in enumerate(request.inputs):
        if not isinstance(one, str):
            where = "input" if len(request.inputs) == 1 else f"input[{number}]"
            raise inexpressible(where, form, "It takes texts, not token ids.")
        texts.append(one)
    return request, texts
