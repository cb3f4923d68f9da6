"""Replicate. Its predictions are an API of their own: reached by pass-through."""

from turnpike.wire.vendor import Vendor

REPLICATE = Vendor(
    name="replicate",
    display_name="Replicate",
    website="https://replicate.com",
    reference="https://replicate.com/docs/reference/http",
    base_url="https://api.replicate.com/v1",
    operations={},
    env_keys=("REPLICATE_API_TOKEN",),
    models_path=None,
    credential_path="/account",
)
