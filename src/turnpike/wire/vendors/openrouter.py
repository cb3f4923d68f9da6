"""OpenRouter, a gateway to many providers: it takes marks and reasoning of theirs in OpenAI's form."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

OPENROUTER = Vendor(
    name="openrouter",
    display_name="OpenRouter",
    website="https://openrouter.ai",
    reference="https://openrouter.ai/docs/api-reference",
    base_url="https://openrouter.ai/api/v1",
    operations=openai_compatible(messages="/messages", responses="/responses"),
    env_keys=("OPENROUTER_API_KEY",),
    models_public=True,
    credential_path="/key",
    price_provider="openrouter",
    quirks=frozenset((q.CACHE_CONTROL, q.REASONING_DETAILS_BACK, q.TOP_K)),
)
