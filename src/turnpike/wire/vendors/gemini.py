"""Google's Gemini API, through its OpenAI-compatible endpoint."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

GEMINI = Vendor(
    name="gemini",
    display_name="Google Gemini",
    website="https://ai.google.dev",
    reference="https://ai.google.dev/gemini-api/docs/openai",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    operations=openai_compatible(),
    env_keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    price_provider="google",
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.NO_USER)),
)
