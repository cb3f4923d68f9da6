"""Novita AI. It speaks Anthropic's form below `/anthropic`."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

NOVITA = Vendor(
    name="novita",
    display_name="Novita AI",
    website="https://novita.ai",
    reference="https://novita.ai/docs/guides/llm-api",
    base_url="https://api.novita.ai",
    operations=openai_compatible("/openai/v1", messages="/anthropic/v1/messages"),
    env_keys=("NOVITA_API_KEY",),
    models_path="/openai/v1/models",
    price_provider="novita",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
