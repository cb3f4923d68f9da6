"""Cohere, by its OpenAI-compatible endpoints; ranking is its own."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor

COHERE = Vendor(
    name="cohere",
    display_name="Cohere",
    website="https://cohere.com",
    reference="https://docs.cohere.com/docs/compatibility-api",
    base_url="https://api.cohere.com",
    operations={
        Operation.CHAT: (
            OperationSpec("cohere_chat", "/v2/chat"),
            OperationSpec("openai_chat", "/compatibility/v1/chat/completions"),
        ),
        Operation.EMBEDDINGS: (
            OperationSpec("cohere_embeddings", "/v2/embed"),
            OperationSpec("openai_embeddings", "/compatibility/v1/embeddings"),
        ),
        Operation.RERANK: (OperationSpec("cohere_rerank", "/v2/rerank"),),
    },
    env_keys=(
        "CO_API_KEY",
        "COHERE_API_KEY",
    ),
    models_path="/v1/models?page_size=1000",
    price_provider="cohere",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_USER,
        )
    ),
)
