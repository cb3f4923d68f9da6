"""Fireworks AI. It speaks Anthropic's form at the same address; a model is named `accounts/fireworks/models/...`."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import RERANK, Vendor, openai_compatible

FIREWORKS = Vendor(
    name="fireworks",
    display_name="Fireworks AI",
    website="https://fireworks.ai",
    reference="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    base_url="https://api.fireworks.ai/inference/v1",
    operations=openai_compatible(messages="/messages", responses="/responses") | RERANK,
    env_keys=("FIREWORKS_API_KEY",),
    price_provider="fireworks",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_METADATA,
            q.REASONING_CONTENT_BACK,
            q.TOP_K,
        )
    ),
)
