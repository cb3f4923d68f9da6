"""Groq."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import AUDIO, Vendor, openai_compatible

GROQ = Vendor(
    name="groq",
    display_name="Groq",
    website="https://groq.com",
    reference="https://console.groq.com/docs/api-reference",
    base_url="https://api.groq.com/openai/v1",
    operations=openai_compatible(embeddings=False, responses="/responses") | AUDIO,
    env_keys=("GROQ_API_KEY",),
    price_provider="groq",
    quirks=frozenset((q.NO_METADATA,)),
)
