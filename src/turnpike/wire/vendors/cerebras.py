"""Cerebras Inference."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

CEREBRAS = Vendor(
    name="cerebras",
    display_name="Cerebras",
    website="https://www.cerebras.ai",
    reference="https://inference-docs.cerebras.ai/resources/openai",
    base_url="https://api.cerebras.ai/v1",
    operations=openai_compatible(embeddings=False),
    env_keys=("CEREBRAS_API_KEY",),
    price_provider="cerebras",
    quirks=frozenset(
        (
            q.NO_METADATA,
            q.NO_PENALTIES,
            q.REASONING_BACK,
        )
    ),
)
