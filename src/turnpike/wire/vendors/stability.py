"""Stability AI: images in a form of its own, made of prompts. What else it does is reached by pass-through."""

from turnpike.wire.operations import Operation
from turnpike.wire.vendor import OperationSpec, Vendor

_GENERATE = "/v2beta/stable-image/generate"

STABILITY = Vendor(
    name="stability",
    display_name="Stability AI",
    website="https://stability.ai",
    reference="https://platform.stability.ai/docs/api-reference",
    base_url="https://api.stability.ai",
    operations={
        Operation.IMAGE_GENERATION: (
            OperationSpec("stability_images", _GENERATE + "/{model}", models=("core", "ultra")),
            OperationSpec("stability_sd3", _GENERATE + "/sd3", models=("sd3*",)),
        ),
    },
    env_keys=("STABILITY_API_KEY",),
    models_path=None,
    credential_path="/v1/user/account",
    exercised="simulated",
)
