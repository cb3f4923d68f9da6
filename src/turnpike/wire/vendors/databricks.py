"""Databricks Model Serving: a model is a serving endpoint of one's own workspace."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Parameter, Vendor, openai_compatible

DATABRICKS = Vendor(
    name="databricks",
    display_name="Databricks",
    website="https://www.databricks.com",
    reference="https://docs.databricks.com/aws/en/machine-learning/model-serving/score-foundation-models",
    base_url="https://{workspace}",
    parameters=(
        Parameter(
            name="workspace",
            label="workspace host",
            example="dbc-a1b2345c-d6e7.cloud.databricks.com",
            pattern=r"[A-Za-z0-9-]+([.][A-Za-z0-9-]+)+",
        ),
    ),
    operations=openai_compatible("/serving-endpoints", responses="/serving-endpoints/responses"),
    env_keys=("DATABRICKS_TOKEN",),
    models_path="/api/2.0/serving-endpoints",
    price_provider="databricks",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_PARALLEL_TOOL_CALLS,
            q.NO_USER,
        )
    ),
)
