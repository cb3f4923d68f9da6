"""DeepSeek. It speaks Anthropic's form below `/anthropic`, and wants its reasoning back in a loop of tool calls."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

DEEPSEEK = Vendor(
    name="deepseek",
    display_name="DeepSeek",
    website="https://www.deepseek.com",
    reference="https://api-docs.deepseek.com",
    base_url="https://api.deepseek.com",
    operations=openai_compatible(embeddings=False, messages="/anthropic/v1/messages"),
    env_keys=("DEEPSEEK_API_KEY",),
    price_provider="deepseek",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_JSON_SCHEMA,
            q.NO_METADATA,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_USER,
            q.REASONING_CONTENT_BACK,
            q.TEXT_AS_STRING,
            q.THINKING_SWITCH,
        )
    ),
)
