"""Canonical embeddings: texts in, vectors out."""

import msgspec

from turnpike.wire.types.usage import Usage


class EmbeddingsRequest(msgspec.Struct, kw_only=True):
    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    """Texts, or texts as token ids of the model's own tokenizer."""
    dimensions: int | None = None
    encoding: str = "float"
    """How the caller wants its vectors: `float` or `base64` (little-endian 32-bit floats)."""
    user: str | None = None
    input_type: str | None = None
    """What the texts are for, in Cohere's words: `search_document`, `search_query`, `classification`, `clustering`."""


class EmbeddingsResponse(msgspec.Struct, kw_only=True):
    model: str
    vectors: tuple[tuple[float, ...], ...]
    """One for each input, in its order."""
    usage: Usage | None = None
    encoding: str = "float"
