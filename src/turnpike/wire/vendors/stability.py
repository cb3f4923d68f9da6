"""Stability AI. Its images are an API of their own: reached by pass-through."""

from turnpike.wire.vendor import Vendor

STABILITY = Vendor(
    name="stability",
    display_name="Stability AI",
    website="https://stability.ai",
    reference="https://platform.stability.ai/docs/api-reference",
    base_url="https://api.stability.ai",
    operations={},
    env_keys=("STABILITY_API_KEY",),
    models_path=None,
    credential_path="/v1/user/account",
)
