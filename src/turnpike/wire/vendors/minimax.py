"""MiniMax. It tells errors with status 200, and keeps reasoning out of the text when asked."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

MINIMAX = Vendor(
    name="minimax",
    display_name="MiniMax",
    website="https://www.minimax.io",
    reference="https://platform.minimax.io/docs/api-reference/text-openai-api",
    base_url="https://api.minimax.io",
    operations=openai_compatible("/v1", embeddings=False, messages="/anthropic/v1/messages", responses="/v1/responses"),
    env_keys=("MINIMAX_API_KEY",),
    models_path="/v1/models",
    price_provider="minimax",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_PENALTIES,
            q.NO_REASONING_EFFORT,
            q.REASONING_DETAILS_BACK,
            q.REASONING_SPLIT,
            q.STATUS_IN_BODY,
        )
    ),
)
