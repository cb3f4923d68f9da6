"""Moonshot AI (Kimi). It speaks Anthropic's form too, and wants its reasoning back in a loop of tool calls."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

MOONSHOT = Vendor(
    name="moonshot",
    display_name="Moonshot AI (Kimi)",
    website="https://www.moonshot.ai",
    reference="https://platform.kimi.ai/docs/api/overview",
    base_url="https://api.moonshot.ai",
    operations=openai_compatible("/v1", embeddings=False, messages="/anthropic/v1/messages", responses="/v1/responses"),
    env_keys=("MOONSHOT_API_KEY",),
    models_path="/v1/models",
    price_provider="moonshotai",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_USER,
            q.REASONING_CONTENT_BACK,
            q.THINKING_SWITCH,
        )
    ),
)
