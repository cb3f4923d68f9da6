"""OpenAI's SDK for speech, recordings and given images, through the gateway: its own objects come back, and each call
is one row of the ledger."""

import base64
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.support.forms import wav
from tests.support.gateway import RunningGateway
from tests.support.sdks import Calls, collected
from turnpike.simulator.dialects.openai_audio import CHARACTER_BYTES, spoken

VOICE, HEARER, WHISPER, PAINTER = "tts-conformance", "gpt-4o-transcribe-conformance", "whisper-conformance", "painter"
RECORDING = wav(3.0)
TEXT = f"The simulator heard {len(RECORDING)} bytes of sound."
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(300_000)


pytestmark = pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")
"""The SDK says it of translations and variations, which gateways go on carrying."""


@pytest.fixture(scope="module", autouse=True)
def models(gateway: RunningGateway) -> None:
    slug = "sim-openai"
    by_token = {"input": 1.0, "output": 2.0}
    for name, capability in (
        (VOICE, "audio"),
        (HEARER, "speech_to_text"),
        (WHISPER, "speech_to_text"),
        (PAINTER, "image"),
    ):
        gateway.add_model(slug, name, f"{name}-upstream", capabilities=[capability], price_override=by_token)


async def value(result: Any) -> Any:
    return await result if hasattr(result, "__await__") else result


def headers(request_id: str) -> dict[str, Any]:
    return {"extra_headers": {"x-request-id": request_id}}


# ---- speech


async def test_speech_comes_as_it_was_made(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    text = "Say this, please. " * 20
    answer = await value(
        calls.openai.audio.speech.create(model=VOICE, voice="alloy", input=text, **headers(request_id))
    )
    row = gateway.ledger_row(request_id)

    assert answer.content == spoken(text)
    assert answer.response.headers["content-type"] == "audio/mpeg"
    assert (row["operation"], row["status"], row["usage_source"]) == ("speech", 200, "estimated")
    assert row["input_tokens"] > 0
    assert row["cost_nanousd"] > 0


async def test_speech_streams(gateway: RunningGateway, one_kind: Calls, request_id: str) -> None:
    text = "x" * 3000
    client = one_kind.openai
    assert isinstance(client, AsyncOpenAI)
    async with client.audio.speech.with_streaming_response.create(
        model=VOICE, voice="alloy", input=text, response_format="wav", **headers(request_id)
    ) as answer:
        kind = answer.headers["content-type"]
        pieces = [piece async for piece in answer.iter_bytes()]

    assert kind == "audio/wav"
    assert len(b"".join(pieces)) == 44 + 3000 * CHARACTER_BYTES
    assert gateway.ledger_row(request_id)["stream"] is False


async def test_speech_as_events_reports_its_usage(gateway: RunningGateway, one_kind: Calls, request_id: str) -> None:
    answer = await value(
        one_kind.openai.audio.speech.create(
            model=VOICE, voice="alloy", input="one two three", stream_format="sse", **headers(request_id)
        )
    )
    row = gateway.ledger_row(request_id)

    assert b'"type":"speech.audio.done"' in answer.content
    assert (row["input_tokens"], row["output_tokens"], row["usage_source"]) == (3, 13, "reported")
    assert row["stream"] is True


# ---- recordings


async def test_a_transcription_is_counted_in_tokens(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    heard = await value(
        calls.openai.audio.transcriptions.create(
            model=HEARER, file=("speech.wav", RECORDING), prompt="some words", **headers(request_id)
        )
    )
    row = gateway.ledger_row(request_id)
    sound = -(-len(RECORDING) // 1000)

    assert heard.text == TEXT
    assert heard.usage.input_tokens == sound + 2
    assert (row["operation"], row["input_tokens"], row["output_tokens"]) == ("transcription", sound + 2, 7)
    assert (row["usage_source"], row["model_asked"]) == ("reported", HEARER)
    assert row["cost_nanousd"] == (sound + 2) * 1000 + 7 * 2000


@pytest.mark.parametrize("kind", ["json", "verbose_json", "text", "srt", "vtt"])
async def test_every_form_of_a_transcript_comes_back(
    gateway: RunningGateway, one_kind: Calls, request_id: str, kind: Any
) -> None:
    heard: Any = await value(
        one_kind.openai.audio.transcriptions.create(
            model=WHISPER, file=("speech.wav", RECORDING), response_format=kind, **headers(request_id)
        )
    )
    row = gateway.ledger_row(request_id)

    assert TEXT in (heard if isinstance(heard, str) else heard.text)
    if kind == "verbose_json":
        assert heard.duration == 3.0
    if kind == "vtt":
        assert heard.startswith("WEBVTT")
    assert row["status"] == 200
    assert row["cost_nanousd"] != 0, "unknown where there is no price of an hour, but never free"


async def test_a_transcript_streams(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    events = await collected(
        await value(
            calls.openai.audio.transcriptions.create(
                model=HEARER, file=("speech.wav", RECORDING), stream=True, **headers(request_id)
            )
        )
    )
    row = gateway.ledger_row(request_id)

    assert "".join(event.delta for event in events if event.type == "transcript.text.delta") == TEXT
    assert events[-1].type == "transcript.text.done"
    assert (row["stream"], row["output_tokens"], row["usage_source"]) == (True, 7, "reported")


@pytest.mark.parametrize("kind", ["json", "text", "verbose_json"])
async def test_a_translation_comes_back(gateway: RunningGateway, one_kind: Calls, request_id: str, kind: Any) -> None:
    heard: Any = await value(
        one_kind.openai.audio.translations.create(
            model=WHISPER, file=("speech.mp3", RECORDING), response_format=kind, **headers(request_id)
        )
    )

    assert TEXT in (heard if isinstance(heard, str) else heard.text)
    assert gateway.ledger_row(request_id)["operation"] == "translation"


async def test_a_provider_that_fails_is_told_in_the_sdks_words(gateway: RunningGateway, one_kind: Calls) -> None:
    with pytest.raises(openai.RateLimitError):
        await value(
            one_kind.openai.audio.transcriptions.create(
                model=HEARER, file=("speech.wav", RECORDING), extra_headers={"x-sim-fault": "status=429"}
            )
        )


# ---- images


@pytest.fixture
def client(one_kind: Calls) -> AsyncOpenAI:
    assert isinstance(one_kind.openai, AsyncOpenAI)
    return one_kind.openai


async def test_an_edited_image_comes_back(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    answer = await value(
        calls.openai.images.edit(
            model=PAINTER,
            image=[("a.png", PICTURE), ("b.png", PICTURE)],
            prompt="a red hat",
            n=2,
            quality="low",
            size="1024x1024",
            **headers(request_id),
        )
    )
    row = gateway.ledger_row(request_id)

    assert [base64.b64decode(each.b64_json) for each in answer.data] == [PICTURE, PICTURE]
    assert (row["operation"], row["input_tokens"], row["output_tokens"]) == ("image_edit", 23, 200)
    assert row["usage_source"] == "reported"
    assert row["cost_nanousd"] == 23 * 1000 + 200 * 2000


async def test_an_edited_image_streams(gateway: RunningGateway, client: AsyncOpenAI, request_id: str) -> None:
    stream = await client.images.edit(
        model=PAINTER, image=("a.png", PICTURE), prompt="a hat", stream=True, partial_images=2, **headers(request_id)
    )
    events: list[Any] = [event async for event in stream]
    row = gateway.ledger_row(request_id)

    assert [event.type for event in events] == ["image_edit.partial_image"] * 2 + ["image_edit.completed"]
    assert base64.b64decode(events[-1].b64_json) == PICTURE
    assert (row["stream"], row["input_tokens"], row["output_tokens"]) == (True, 12, 100)


async def test_a_variation_comes_back(gateway: RunningGateway, client: AsyncOpenAI, request_id: str) -> None:
    answer = await client.images.create_variation(
        model=PAINTER, image=("a.png", PICTURE), response_format="b64_json", n=2, **headers(request_id)
    )
    row = gateway.ledger_row(request_id)

    assert answer.data is not None
    assert [base64.b64decode(each.b64_json or "") for each in answer.data] == [PICTURE, PICTURE]
    assert (row["operation"], row["status"]) == ("image_variation", 200)
    assert row["cost_nanousd"] != 0
