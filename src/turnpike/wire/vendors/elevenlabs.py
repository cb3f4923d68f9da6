"""ElevenLabs. Its voices are an API of their own: reached by pass-through."""

from turnpike.wire.vendor import AuthSpec, Vendor

ELEVENLABS = Vendor(
    name="elevenlabs",
    display_name="ElevenLabs",
    website="https://elevenlabs.io",
    reference="https://elevenlabs.io/docs/api-reference/introduction",
    base_url="https://api.elevenlabs.io",
    operations={},
    env_keys=("ELEVENLABS_API_KEY",),
    auth=AuthSpec("xi-api-key", ""),
    models_path="/v1/models",
    price_provider="elevenlabs",
)
