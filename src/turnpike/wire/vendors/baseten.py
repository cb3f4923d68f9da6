"""Baseten's Model APIs."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

BASETEN = Vendor(
    name="baseten",
    display_name="Baseten",
    website="https://www.baseten.co",
    reference="https://docs.baseten.co/reference/inference-api/chat-completions",
    base_url="https://inference.baseten.co/v1",
    operations=openai_compatible(embeddings=False),
    env_keys=("BASETEN_API_KEY",),
    price_provider="baseten",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
