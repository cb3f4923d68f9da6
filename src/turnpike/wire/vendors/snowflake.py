"""Snowflake Cortex. It speaks Anthropic's form for Claude models at the same address."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Parameter, Vendor, openai_compatible

SNOWFLAKE = Vendor(
    name="snowflake",
    display_name="Snowflake Cortex",
    website="https://www.snowflake.com",
    reference="https://docs.snowflake.com/en/user-guide/snowflake-cortex/cortex-rest-api",
    base_url="https://{account}.snowflakecomputing.com/api/v2/cortex/v1",
    parameters=(
        Parameter(
            name="account", label="account identifier", example="myorg-myaccount", env_keys=("SNOWFLAKE_ACCOUNT",)
        ),
    ),
    operations=openai_compatible(embeddings=False, messages="/messages"),
    env_keys=("SNOWFLAKE_PAT",),
    models_path=None,
    quirks=frozenset((q.NO_METADATA,)),
)
