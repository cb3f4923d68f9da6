"""NVIDIA NIM, hosted at NVIDIA's API catalog. Some embedding models want an `input_type`, which passes."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import Vendor, openai_compatible

NVIDIA = Vendor(
    name="nvidia",
    display_name="NVIDIA NIM",
    website="https://build.nvidia.com",
    reference="https://docs.api.nvidia.com/nim/reference/llm-apis",
    base_url="https://integrate.api.nvidia.com/v1",
    operations=openai_compatible(),
    env_keys=("NVIDIA_API_KEY",),
    models_public=True,
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_USER,
        )
    ),
)
