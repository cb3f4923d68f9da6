"""OpenAI."""

from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import (
    AUDIO,
    IMAGE_EDITS,
    IMAGES,
    INPUT_TOKENS,
    MODERATIONS,
    REALTIME,
    VIDEOS,
    Vendor,
    openai_compatible,
)

OPENAI = Vendor(
    name="openai",
    display_name="OpenAI",
    website="https://openai.com",
    reference="https://developers.openai.com/api/reference",
    base_url="https://api.openai.com/v1",
    operations=openai_compatible(responses="/responses")
    | INPUT_TOKENS
    | IMAGES
    | MODERATIONS
    | VIDEOS
    | AUDIO
    | IMAGE_EDITS
    | REALTIME,
    env_keys=("OPENAI_API_KEY",),
    price_provider="openai",
    quirks=frozenset((q.CACHE_BREAKPOINTS,)),
    exercised="simulated",
)
