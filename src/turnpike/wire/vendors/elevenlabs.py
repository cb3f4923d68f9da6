"""ElevenLabs: speech and transcripts in forms of its own. What else it does with voices is reached by pass-through."""

from turnpike.wire.operations import Operation
from turnpike.wire.vendor import AuthSpec, OperationSpec, Vendor

ELEVENLABS = Vendor(
    name="elevenlabs",
    display_name="ElevenLabs",
    website="https://elevenlabs.io",
    reference="https://elevenlabs.io/docs/api-reference/introduction",
    base_url="https://api.elevenlabs.io",
    operations={
        Operation.SPEECH: (OperationSpec("elevenlabs_speech", "/v1/text-to-speech"),),
        Operation.TRANSCRIPTION: (OperationSpec("elevenlabs_transcription", "/v1/speech-to-text"),),
    },
    env_keys=("ELEVENLABS_API_KEY",),
    auth=AuthSpec("xi-api-key", ""),
    models_path="/v1/models",
    price_provider="elevenlabs",
    exercised="simulated",
)
