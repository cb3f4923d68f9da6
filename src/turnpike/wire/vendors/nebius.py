"""Nebius Token Factory."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import IMAGES, Vendor, openai_compatible

NEBIUS = Vendor(
    name="nebius",
    display_name="Nebius",
    website="https://nebius.com",
    reference="https://docs.tokenfactory.nebius.com/api-reference/introduction",
    base_url="https://api.tokenfactory.nebius.com/v1",
    operations=openai_compatible() | IMAGES,
    env_keys=("NEBIUS_API_KEY",),
    models_path="/models?verbose=true",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
