"""Mistral AI. Its API refuses fields that it does not know, and reports usage in streams unasked."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import MODERATIONS, OperationSpec, Vendor, openai_compatible

MISTRAL = Vendor(
    name="mistral",
    display_name="Mistral AI",
    website="https://mistral.ai",
    reference="https://docs.mistral.ai/api",
    base_url="https://api.mistral.ai/v1",
    operations=openai_compatible()
    | MODERATIONS
    | {Operation.TRANSCRIPTION: (OperationSpec("openai_transcription", "/audio/transcriptions"),)},
    env_keys=("MISTRAL_API_KEY",),
    price_provider="mistral",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_REASONING_EFFORT,
            q.NO_STREAM_OPTIONS,
            q.NO_USER,
            q.RANDOM_SEED,
            q.SHORT_TOOL_IDS,
        )
    ),
)
