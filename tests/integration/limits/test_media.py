"""Limits of images and of seconds of sound, by the command's own resources: what is expected, and what it turns out
to be."""

from typing import Any

import pytest

from tests.integration.limits.conftest import Caller
from tests.support.forms import wav
from tests.support.gateway import RunningGateway, wait_for

MODELS = (("paint", "gpt-image-1", "image"), ("speak", "tts-1", "audio"), ("hear", "whisper-1", "speech_to_text"))
TEXT = "fifteen letters" * 30
"""Half a minute, as voices read."""


@pytest.fixture(scope="module", autouse=True)
def models(gateway: RunningGateway) -> None:
    for name, model_id, capability in MODELS:
        gateway.add_model("sim-openai", name, model_id, capabilities=[capability])


def counted(ada: Caller, limit: dict[str, Any], used: int) -> None:
    def found() -> bool | None:
        rows = ada.gateway.api("GET", "/limits/counters", subject="key", name=ada.key_id)
        now = [row["used"] for row in rows if row["resource"] == limit["resource"]]
        return True if now == [used] else None

    wait_for(f"{used} of {limit['resource']} are used", found)


def test_images_count_each_and_more_than_are_left_are_refused(ada: Caller) -> None:
    limit = ada.limit(resource="images", amount=5)
    body = {"model": "paint", "prompt": "a cat", "n": 2}
    assert ada.statuses(2, path="/v1/images/generations", body=body) == [200, 200]
    counted(ada, limit, 4)
    refused = ada.ask("/v1/images/generations", body)
    assert refused.status_code == 429
    assert "resource=images" in refused.headers["x-turnpike-limit"]
    assert ada.ask("/v1/images/generations", {**body, "n": 1}).status_code == 200
    assert ada.ask().status_code == 200, "no other call counts"


def test_speech_that_is_billed_by_the_character_counts_its_seconds(ada: Caller) -> None:
    limit = ada.limit(resource="audio_seconds", amount=70)
    body = {"model": "speak", "input": TEXT, "voice": "alloy"}
    assert ada.ask("/v1/audio/speech", body).status_code == 200
    counted(ada, limit, 30)
    # The sound of these is one second long, and says so.
    for form in ("wav", "pcm"):
        assert ada.ask("/v1/audio/speech", {**body, "response_format": form}).status_code == 200
    counted(ada, limit, 32)
    assert ada.ask("/v1/audio/speech", body).status_code == 200
    counted(ada, limit, 62)
    refused = ada.ask("/v1/audio/speech", body)
    assert refused.status_code == 429
    assert "resource=audio_seconds" in refused.headers["x-turnpike-limit"]


def test_what_is_listened_to_counts_its_seconds(ada: Caller) -> None:
    limit = ada.limit(resource="audio_seconds", amount=10)

    def hear(seconds: float) -> int:
        sound = {"file": ("a.wav", wav(seconds))}
        return ada.ask("/v1/audio/transcriptions", files=sound, data={"model": "hear"}).status_code

    assert hear(7.0) == 200
    counted(ada, limit, 7)
    assert [hear(4.0), hear(3.0)] == [429, 200]
