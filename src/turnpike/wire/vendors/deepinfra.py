"""DeepInfra. It speaks Anthropic's form below `/anthropic`."""

from turnpike.wire.operations import Operation
from turnpike.wire.profiles import quirks as q
from turnpike.wire.vendor import OperationSpec, Vendor, openai_compatible

DEEPINFRA = Vendor(
    name="deepinfra",
    display_name="DeepInfra",
    website="https://deepinfra.com",
    reference="https://deepinfra.com/docs/openai_api",
    base_url="https://api.deepinfra.com",
    operations=openai_compatible("/v1/openai", messages="/anthropic/v1/messages")
    | {
        Operation.IMAGE_GENERATION: (OperationSpec("openai_images", "/v1/openai/images/generations"),),
        Operation.SPEECH: (OperationSpec("openai_speech", "/v1/openai/audio/speech"),),
        Operation.TRANSCRIPTION: (OperationSpec("openai_transcription", "/v1/openai/audio/transcriptions"),),
    },
    env_keys=(
        "DEEPINFRA_TOKEN",
        "DEEPINFRA_API_KEY",
    ),
    models_path="/v1/openai/models",
    models_public=True,
    credential_path="/v1/me",
    quirks=frozenset(
        (
            q.MAX_TOKENS,
            q.NO_DEVELOPER_ROLE,
            q.NO_METADATA,
            q.TOP_K,
        )
    ),
)
