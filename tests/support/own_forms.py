"""Providers whose media have forms of their own, played by the simulator, registered the way that people do it."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.gateway import UPSTREAM_KEY, RunningGateway


@dataclass(frozen=True)
class OwnForm:
    """A model at a vendor with a form of its own, and its price."""

    vendor: str
    name: str
    model_id: str
    capability: str
    price: dict[str, Any] = field(default_factory=dict)
    base: str = ""
    """Below the simulator's address."""


VOICE = OwnForm("elevenlabs", "eleven-voice", "eleven_multilingual_v2", "audio", {"character": 100})
HEARER = OwnForm("elevenlabs", "eleven-hearer", "scribe_v1", "speech_to_text", {"input_audio_hour": "0.36"})
IMAGEN = OwnForm("gemini", "imagen", "imagen-4.0-generate-001", "image", {"image": {"*": "0.04"}}, "/v1beta")
CORE = OwnForm("stability", "stable-core", "core", "image", {"image": {"*": "0.03"}})
SD3 = OwnForm("stability", "stable-diffusion", "sd3.5-medium", "image", {"image": {"*": "0.035"}})
OWN_FORMS = (VOICE, HEARER, IMAGEN, CORE, SD3)


def register_own_forms(gateway: RunningGateway) -> None:
    """A provider for each vendor, under the vendor's name, and every model of `OWN_FORMS`."""
    for vendor, base in {form.vendor: form.base for form in OWN_FORMS}.items():
        given = {"vendor": vendor, "name": vendor, "slug": vendor, "api_base_url": gateway.simulator.url + base}
        more = {"shared_api_key": UPSTREAM_KEY, "allow_addresses": ["127.0.0.1/32"]}
        gateway.api("POST", "/ai/providers", {**given, **more})
    for form in OWN_FORMS:
        body = {"provider": form.vendor, "name": form.name, "model_id": form.model_id}
        more = {"capabilities": [form.capability], "price_override": form.price}
        gateway.api("POST", "/ai/models", {**body, **more})
    for form in OWN_FORMS:
        gateway.wait_for_model(form.name)
