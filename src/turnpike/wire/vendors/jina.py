"""Jina AI: embeddings and ranking."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import RERANK, OperationSpec, Vendor

JINA = Vendor(
    name="jina",
    display_name="Jina AI",
    website="https://jina.ai",
    reference="https://api.jina.ai/redoc",
    base_url="https://api.jina.ai/v1",
    operations={Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", "/embeddings"),)} | RERANK,
    env_keys=("JINA_API_KEY",),
    models_path=None,
    quirks=frozenset((q.NO_USER,)),
)
