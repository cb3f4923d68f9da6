"""SambaNova Cloud. It speaks Anthropic's form at the same address."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor, openai_compatible

SAMBANOVA = Vendor(
    name="sambanova",
    display_name="SambaNova",
    website="https://sambanova.ai",
    reference="https://docs.sambanova.ai/docs/en/features/openai-compatibility",
    base_url="https://api.sambanova.ai/v1",
    operations=openai_compatible(messages="/messages")
    | {Operation.TRANSCRIPTION: (OperationSpec("openai_transcription", "/audio/transcriptions"),)},
    env_keys=("SAMBANOVA_API_KEY",),
    models_public=True,
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.NO_PENALTIES,
            q.TOP_K,
        )
    ),
)
