"""Voyage AI: embeddings and ranking."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor

VOYAGE = Vendor(
    name="voyage",
    display_name="Voyage AI",
    website="https://www.voyageai.com",
    reference="https://docs.voyageai.com/reference/embeddings-api",
    base_url="https://api.voyageai.com/v1",
    operations={
        Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", "/embeddings"),),
        Operation.RERANK: (OperationSpec("voyage_rerank", "/rerank"),),
    },
    env_keys=("VOYAGE_API_KEY",),
    models_path=None,
    price_provider="voyageai",
    quirks=frozenset(
        (
            q.NO_USER,
            q.OUTPUT_DIMENSION,
        )
    ),
)
