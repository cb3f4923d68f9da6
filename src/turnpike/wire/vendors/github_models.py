"""GitHub Models, with a personal access token that may read models."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

GITHUB_MODELS = Vendor(
    name="github_models",
    display_name="GitHub Models",
    website="https://github.com/marketplace/models",
    reference="https://docs.github.com/en/rest/models/inference",
    base_url="https://models.github.ai",
    operations=openai_compatible("/inference"),
    env_keys=("GITHUB_TOKEN",),
    models_path="/catalog/models",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_METADATA,
        )
    ),
)
