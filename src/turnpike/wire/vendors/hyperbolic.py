"""Hyperbolic."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

HYPERBOLIC = Vendor(
    name="hyperbolic",
    display_name="Hyperbolic",
    website="https://www.hyperbolic.ai",
    reference="https://docs.hyperbolic.xyz/docs/rest-api",
    base_url="https://api.hyperbolic.xyz/v1",
    operations=openai_compatible(embeddings=False),
    env_keys=("HYPERBOLIC_API_KEY",),
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
