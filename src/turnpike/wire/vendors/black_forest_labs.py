"""Black Forest Labs, maker of FLUX. Its images are jobs of an API of their own: reached by pass-through."""

from turnpike.wire.vendor import AuthSpec, Vendor

BLACK_FOREST_LABS = Vendor(
    name="black_forest_labs",
    display_name="Black Forest Labs",
    website="https://bfl.ai",
    reference="https://docs.bfl.ai/api-reference",
    base_url="https://api.bfl.ai",
    operations={},
    env_keys=("BFL_API_KEY",),
    auth=AuthSpec("x-key", ""),
    models_path=None,
    credential_path="/v1/credits",
)
