"""OpenAI."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor, openai_compatible

OPENAI = Vendor(
    name="openai",
    display_name="OpenAI",
    website="https://openai.com",
    reference="https://developers.openai.com/api/reference",
    base_url="https://api.openai.com/v1",
    operations=openai_compatible(responses="/responses")
    | {Operation.COUNT_TOKENS: (OperationSpec("openai_input_tokens", "/responses/input_tokens"),)},
    env_keys=("OPENAI_API_KEY",),
    price_provider="openai",
    quirks=frozenset((q.CACHE_BREAKPOINTS,)),
    exercised="simulated",
)
