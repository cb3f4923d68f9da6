"""Canonical reranking: a query and texts in, scores out."""

import msgspec

from turnpike.wire.types.usage import Usage


class RerankRequest(msgspec.Struct, kw_only=True):
    model: str
    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    """How many results; None: one for each document."""
    return_documents: bool | None = None
    """Whether results repeat their documents; None: as the provider does."""
    max_tokens_per_doc: int | None = None
    truncate: bool | None = None
    """Whether a document that is too long is cut; False: refused."""
    raw_scores: bool | None = None
    """Scores as the model makes them, not brought to 0..1."""


class RerankResult(msgspec.Struct, frozen=True):
    index: int
    """Of the document in the request."""
    score: float
    document: str | None = None


class RerankResponse(msgspec.Struct, kw_only=True):
    id: str = ""
    model: str = ""
    results: tuple[RerankResult, ...] = ()
    """The best first."""
    usage: Usage | None = None
