"""OpenAI's SDK for speech, recordings and images at vendors with forms of their own: the same objects come back, each
call is one row, and what a vendor cannot be told is refused by name."""

import base64
from itertools import count
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from tests.support.forms import wav
from tests.support.gateway import RunningGateway, wait_for
from tests.support.own_forms import CORE, HEARER, IMAGEN, SD3, VOICE, OwnForm, register_own_forms
from tests.support.sdks import Calls, value_of
from turnpike.simulator.dialects.openai_audio import CHARACTER_BYTES, heard, spoken
from turnpike.simulator.pictures import png

RECORDING = wav(3.0)
TEXT = heard(RECORDING)
PROMPT = "a red fox at dawn"
SECOND_NANOUSD = 100_000
"""Of a recording, at `HEARER`'s price."""


@pytest.fixture(scope="module", autouse=True)
def models(gateway: RunningGateway) -> None:
    register_own_forms(gateway)


@pytest.fixture
def client(one_kind: Calls) -> AsyncOpenAI:
    assert isinstance(one_kind.openai, AsyncOpenAI)
    return one_kind.openai


def named(request_id: str) -> dict[str, Any]:
    return {"extra_headers": {"x-request-id": request_id}}


# ---- ElevenLabs: speech


async def test_elevenlabs_speaks(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    text = "Say this, please. " * 20
    said = await value_of(
        calls.openai.audio.speech.create(
            model=VOICE.name, voice="JBFqnCBsd6RMkjVDRZzb", input=text, speed=1.1, **named(request_id)
        )
    )
    row, sent = gateway.ledger_row(request_id), gateway.upstream_call(request_id)

    assert said.content == spoken(text)
    assert said.response.headers["content-type"] == "audio/mpeg"
    assert sent["path"] == "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream"
    assert sent["model"] == VOICE.model_id
    assert '"voice_settings":{"speed":1.1}' in sent["body"]
    assert (row["operation"], row["status"], row["usage_source"]) == ("speech", 200, "reported")
    assert row["cost_nanousd"] == len(text) * 100_000, "a hundred dollars a million characters"


@pytest.mark.parametrize(("kind", "more"), [("wav", 44), ("pcm", 0), ("opus", 0)])
async def test_elevenlabs_speaks_in_other_formats(client: AsyncOpenAI, kind: Any, more: int) -> None:
    said = await client.audio.speech.create(model=VOICE.name, voice="v1", input="abc", response_format=kind)

    assert said.response.headers["content-type"] == f"audio/{kind}"
    assert len(said.content) == more + 3 * CHARACTER_BYTES


@pytest.mark.parametrize(
    ("field", "value"),
    [("response_format", "flac"), ("stream_format", "sse"), ("instructions", "Whisper."), ("speed", 3.0),
     ("voice", "no/id"), ("seed", 7)],
)  # fmt: skip
async def test_what_elevenlabs_has_no_word_for_is_refused_by_name(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, field: str, value: Any
) -> None:
    asked: Any = {"model": VOICE.name, "voice": "v1", "input": "abc"}
    with pytest.raises(openai.BadRequestError) as refused:
        await client.audio.speech.create(**asked, extra_body={field: value}, **named(request_id))

    assert refused.value.param == field
    assert gateway.simulator.calls_of(request_id) == [], "before anything was sent"
    row = gateway.ledger_row(request_id)
    assert (row["error_code"], row["cost_nanousd"]) == ("NOT_EXPRESSIBLE", 0)


async def test_what_may_be_left_out_is_where_the_caller_says_so(client: AsyncOpenAI) -> None:
    said = await client.audio.speech.create(
        model=VOICE.name,
        voice="v1",
        input="abc",
        response_format="flac",
        extra_body={"seed": 7},
        extra_headers={"x-turnpike-drop-unsupported": "true"},
    )

    assert said.response.headers["x-turnpike-dropped"] == "seed, response_format"
    assert said.response.headers["content-type"] == "audio/mpeg"


async def test_a_voice_that_is_not_there_is_no_missing_model(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="missing-voice") as refused:
        await client.audio.speech.create(model=VOICE.name, voice="missing-voice", input="abc")

    assert refused.value.param == "voice"


@pytest.mark.parametrize(
    ("fault", "raised", "code"),
    [("rate-limit", openai.RateLimitError, "rate_limit_exceeded"),
     ("quota", openai.RateLimitError, "insufficient_quota"),
     ("bad-key", openai.AuthenticationError, "invalid_api_key")],
)  # fmt: skip
async def test_elevenlabs_errors_are_said_as_openai_says_them(
    client: AsyncOpenAI, fault: str, raised: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(raised) as refused:
        await client.audio.speech.create(
            model=VOICE.name, voice="v1", input="abc", extra_headers={"x-sim-fault": f"error={fault}"}
        )

    assert refused.value.code == code


# ---- ElevenLabs: transcripts


async def test_elevenlabs_hears(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    told = await value_of(
        calls.openai.audio.transcriptions.create(
            model=HEARER.name, file=("a speech.wav", RECORDING), language="en", temperature=0.5, **named(request_id)
        )
    )
    row, sent = gateway.ledger_row(request_id), gateway.upstream_call(request_id)

    assert told.text == TEXT
    assert told.usage.seconds == 3.0
    assert (sent["path"], sent["model"]) == ("/v1/speech-to-text", HEARER.model_id)
    for name, value in (("language_code", "en"), ("temperature", "0.5"), ("timestamps_granularity", "none")):
        assert f'name="{name}"\r\n\r\n{value}\r\n' in sent["body"]
    assert 'filename="a speech.wav"' in sent["body"]
    assert (row["operation"], row["usage_source"], row["model_asked"]) == ("transcription", "reported", HEARER.name)
    assert row["cost_nanousd"] == 3 * SECOND_NANOUSD


@pytest.mark.parametrize("kind", ["verbose_json", "text", "srt", "vtt"])
async def test_every_form_of_a_transcript_that_it_can_give_comes_back(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, kind: Any
) -> None:
    told: Any = await client.audio.transcriptions.create(
        model=HEARER.name, file=("speech.wav", RECORDING), response_format=kind, **named(request_id)
    )

    assert TEXT in (told if isinstance(told, str) else told.text)
    if kind == "verbose_json":
        assert (told.duration, told.language, told.words) == (3.0, "eng", None)
    if kind == "srt":
        assert told.startswith("1\n00:00:00,000 --> 00:00:03,000\n")
    if kind == "vtt":
        assert told.startswith("WEBVTT\n\n1\n00:00:00.000 --> 00:00:03.000\n")
    assert gateway.ledger_row(request_id)["cost_nanousd"] == 3 * SECOND_NANOUSD


async def test_words_come_with_their_times(client: AsyncOpenAI) -> None:
    told = await client.audio.transcriptions.create(
        model=HEARER.name,
        file=("speech.wav", RECORDING),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )

    assert told.words is not None
    assert " ".join(word.word for word in told.words) == TEXT
    assert (told.words[0].start, told.words[-1].end) == (0.0, 3.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("prompt", "Names: Ada."), ("stream", True), ("response_format", "diarized_json"),
     ("timestamp_granularities", ["segment"]), ("include", ["logprobs"])],
)  # fmt: skip
async def test_what_its_transcripts_have_no_word_for_is_refused_by_name(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, field: str, value: Any
) -> None:
    asked: Any = {"model": HEARER.name, "file": ("speech.wav", RECORDING), field: value}
    with pytest.raises(openai.BadRequestError) as refused:
        await client.audio.transcriptions.create(**asked, **named(request_id))

    assert refused.value.param == field
    assert gateway.simulator.calls_of(request_id) == []


async def test_a_length_that_is_not_told_is_the_recordings_own(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    headers = {"x-request-id": request_id, "x-sim-fault": "no-usage"}
    await client.audio.transcriptions.create(
        model=HEARER.name, file=("speech.wav", RECORDING), extra_headers=headers, response_format="text"
    )

    assert gateway.ledger_row(request_id)["cost_nanousd"] == 3 * SECOND_NANOUSD


async def test_a_large_recording_is_sent_from_where_it_is_kept(client: AsyncOpenAI) -> None:
    recording = wav(60.0)
    told = await client.audio.transcriptions.create(model=HEARER.name, file=("speech.wav", recording))

    assert told.text == heard(recording)


# ---- Imagen


async def test_imagen_makes_images(gateway: RunningGateway, calls: Calls, request_id: str) -> None:
    made = await value_of(
        calls.openai.images.generate(
            model=IMAGEN.name,
            prompt=PROMPT,
            n=2,
            size="1792x1024",
            output_format="jpeg",
            user="ada",
            **named(request_id),
        )
    )
    row, sent = gateway.ledger_row(request_id), gateway.upstream_call(request_id)

    assert [base64.b64decode(each.b64_json) for each in made.data] == [png(f"{PROMPT} 0"), png(f"{PROMPT} 1")]
    assert (made.output_format, made.created > 0) == ("jpeg", True)
    assert sent["path"] == f"/v1beta/models/{IMAGEN.model_id}:predict"
    assert '"sampleCount":2' in sent["body"]
    assert '"aspectRatio":"16:9"' in sent["body"]
    assert (row["operation"], row["usage_source"]) == ("image_generation", "reported")
    assert (row["media"]["images"], row["media"]["image_class"]) == (2, "1792x1024")
    assert row["cost_nanousd"] == 80_000_000


async def test_images_that_were_filtered_cost_nothing(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    made = await client.images.generate(model=IMAGEN.name, prompt="[half-filtered] x", n=3, **named(request_id))
    with pytest.raises(openai.BadRequestError, match="usage guidelines") as refused:
        await client.images.generate(model=IMAGEN.name, prompt="[filtered] x", n=3, **named(f"{request_id}-none"))
    row = gateway.ledger_row(f"{request_id}-none")

    assert made.data is not None
    assert len(made.data) == 2
    assert gateway.ledger_row(request_id)["cost_nanousd"] == 80_000_000
    assert refused.value.code == "content_policy_violation"
    assert (row["status"], row["cost_nanousd"]) == (400, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("size", "1536x1024"), ("size", "4096x4096"), ("quality", "high"), ("style", "vivid"), ("response_format", "url"),
     ("background", "transparent"), ("output_format", "webp"), ("stream", True), ("moderation", "low"), ("steps", 4)],
)  # fmt: skip
async def test_what_imagen_has_no_word_for_is_refused_by_name(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, field: str, value: Any
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.images.generate(model=IMAGEN.name, prompt=PROMPT, extra_body={field: value}, **named(request_id))

    assert refused.value.param == field
    assert gateway.simulator.calls_of(request_id) == []


async def test_a_wrong_key_at_google_is_openais_error(client: AsyncOpenAI) -> None:
    headers = {"x-sim-fault": "error=bad-key"}
    with pytest.raises(openai.AuthenticationError):
        await client.images.generate(model=IMAGEN.name, prompt=PROMPT, extra_headers=headers)


# ---- Stability AI


@pytest.mark.parametrize(("form", "path", "cost"), [(CORE, "core", 30_000_000), (SD3, "sd3", 35_000_000)])
async def test_stability_makes_an_image(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, form: OwnForm, path: str, cost: int
) -> None:
    headers = {"x-request-id": request_id, "accept": "*/*"}
    made = await client.images.generate(
        model=form.name, prompt=PROMPT, size="1536x1024", output_format="jpeg", extra_headers=headers
    )
    row, sent = gateway.ledger_row(request_id), gateway.upstream_call(request_id)

    assert made.data is not None
    assert base64.b64decode(made.data[0].b64_json or "") == png(PROMPT)
    assert sent["path"] == f"/v2beta/stable-image/generate/{path}"
    assert sent["headers"]["content-type"].startswith("multipart/form-data; boundary=turnpike-")
    assert sent["headers"]["accept"] == "application/json"
    for name, value in (("prompt", PROMPT), ("aspect_ratio", "3:2"), ("output_format", "jpeg")):
        assert f'name="{name}"\r\n\r\n{value}\r\n' in sent["body"]
    assert ('name="model"\r\n\r\nsd3.5-medium\r\n' in sent["body"]) is (form is SD3)
    assert (row["operation"], row["usage_source"], row["cost_nanousd"]) == ("image_generation", "reported", cost)


@pytest.mark.parametrize(("prompt", "cost"), [("[filtered] x", 30_000_000), ("[moderated] x", 0)])
async def test_what_stabilitys_filters_refuse_is_openais_error(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str, prompt: str, cost: int
) -> None:
    """What was made before it was filtered is counted."""
    with pytest.raises(openai.BadRequestError) as refused:
        await client.images.generate(model=CORE.name, prompt=prompt, **named(request_id))

    assert refused.value.code == "content_policy_violation"
    assert gateway.ledger_row(request_id)["cost_nanousd"] == cost


async def test_what_stability_has_no_word_for_is_refused_or_left_out(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await client.images.generate(model=CORE.name, prompt=PROMPT, n=2, **named(request_id))
    headers = {"x-turnpike-drop-unsupported": "true"}
    raw = await client.images.with_raw_response.generate(
        model=CORE.name, prompt=PROMPT, quality="high", extra_headers=headers
    )

    assert refused.value.param == "n"
    assert gateway.simulator.calls_of(request_id) == []
    assert raw.headers["x-turnpike-dropped"] == "quality"


# ---- the gateway's own rules hold


def test_guards_and_budgets_hold(gateway: RunningGateway) -> None:
    made = gateway.api("POST", "/keys", {"name": "own forms"})
    terms = {"name": "words", "kind": "terms", "action": "block", "on": "prompt", "terms": ["bluebird"]}
    gateway.api("POST", "/policies", {"name": "own-forms", "keys": [made["id"]], "guards": [terms]})
    client = openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=made["key"], max_retries=0)

    def refused(text: str, request_id: str) -> str | None:
        try:
            client.audio.speech.create(model=VOICE.name, voice="v1", input=text, **named(request_id))
        except openai.APIStatusError:
            assert gateway.simulator.calls_of(request_id) == []
            return gateway.ledger_row(request_id)["error_code"]
        return None

    beyond = "More than twenty letters of text."
    numbers = count()
    guarded = wait_for("the guard holds", lambda: refused("Bluebird", f"own-guarded-{next(numbers)}"))
    budget = {"kind": "key", "subject": made["id"], "period": "total", "amount_usd": "0.002"}
    gateway.api("POST", "/budgets", budget)
    dear = wait_for("the budget holds", lambda: refused(beyond, f"own-dear-{next(numbers)}"))

    assert guarded == "POLICY_REFUSED"
    assert dear in ("BUDGET_EXCEEDED", "BUDGET_SPENT")
