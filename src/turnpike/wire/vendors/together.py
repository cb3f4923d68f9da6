"""Together AI."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AUDIO, IMAGES, RERANK, Vendor, openai_compatible

TOGETHER = Vendor(
    name="together",
    display_name="Together AI",
    website="https://www.together.ai",
    reference="https://docs.together.ai/docs/openai-api-compatibility",
    base_url="https://api.together.ai/v1",
    operations=openai_compatible() | IMAGES | AUDIO | RERANK,
    env_keys=("TOGETHER_API_KEY",),
    price_provider="together",
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.TOP_K)),
)
