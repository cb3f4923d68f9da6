"""Perplexity: answers that rest on a search, and say on which pages."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor

PERPLEXITY = Vendor(
    name="perplexity",
    display_name="Perplexity",
    website="https://www.perplexity.ai",
    reference="https://docs.perplexity.ai/docs/sonar/openai-compatibility",
    base_url="https://api.perplexity.ai",
    operations={
        Operation.CHAT: (OperationSpec("openai_responses", "/v1/responses"),),
        Operation.EMBEDDINGS: (OperationSpec("openai_embeddings", "/v1/embeddings"),),
    },
    env_keys=(
        "PERPLEXITY_API_KEY",
        "PPLX_API_KEY",
    ),
    models_path=None,
    price_provider="perplexity",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_JSON_OBJECT,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_USER,
            q.TOP_K,
        )
    ),
)
