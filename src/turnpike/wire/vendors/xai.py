"""xAI."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import IMAGES, Vendor, openai_compatible

XAI = Vendor(
    name="xai",
    display_name="xAI",
    website="https://x.ai",
    reference="https://docs.x.ai/docs/api-reference",
    base_url="https://api.x.ai/v1",
    operations=openai_compatible(embeddings=False, responses="/responses") | IMAGES,
    env_keys=("XAI_API_KEY",),
    price_provider="x-ai",
    quirks=frozenset((q.NO_METADATA,)),
)
