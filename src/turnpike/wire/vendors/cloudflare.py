"""Cloudflare Workers AI, through its OpenAI-compatible endpoints: an account's id stands in every address."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Parameter, Vendor, openai_compatible

CLOUDFLARE = Vendor(
    name="cloudflare",
    display_name="Cloudflare Workers AI",
    website="https://developers.cloudflare.com/workers-ai",
    reference="https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility",
    base_url="https://api.cloudflare.com/client/v4/accounts/{account_id}/ai",
    parameters=(
        Parameter(
            name="account_id",
            label="account ID",
            example="023e105f4ecef8ad9ca31a8372d0c353",
            pattern=r"[0-9a-f]{32}",
            env_keys=("CLOUDFLARE_ACCOUNT_ID",),
        ),
    ),
    operations=openai_compatible("/v1"),
    env_keys=("CLOUDFLARE_API_TOKEN",),
    models_path="/models/search?per_page=1000",
    price_provider="cloudflare",
    quirks=frozenset((q.MAX_TOKENS, q.NO_DEVELOPER_ROLE, q.NO_METADATA, q.NO_USER)),
)
