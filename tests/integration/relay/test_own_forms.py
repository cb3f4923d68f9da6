"""Media calls through a relay to providers with forms of their own: tried again, given up, refused, settled."""

import asyncio
from typing import Any

import pytest

from tests.support.forms import content_type, field, file, form, wav
from tests.support.http import Answer, request
from tests.support.relay_process import KEY, Stage
from tests.support.upstream import Received, Upstream, Wire, answer, chunk, serving
from turnpike.contract.events import Outcome, UsageSource
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH, HEAR, PAINT = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/images/generations"
PRICES = Rates(media=MediaRates(character=1_000_000, input_audio_hour=360_000_000_000, image={"*": 40_000_000_000}))
HEARD = {"text": "Hello.", "audio_duration_secs": 5.0}
PAINTED = {"image": "AAAA", "finish_reason": "SUCCESS", "seed": 1}
LARGE = wav(20.0)
"""More than is kept in memory."""


async def own(stage: Stage, *upstreams: Upstream, **facts: Any) -> str:
    return await stage.model(*upstreams, dialect="own_media", rates=PRICES, **facts)


def hearing(model: str, sound: bytes = wav(2.0), **fields: str) -> bytes:
    return form(*(field(name, value) for name, value in fields.items()), field("model", model), file("file", sound))


async def hear(stage: Stage, model: str, sound: bytes = wav(2.0), **fields: str) -> Answer:
    return await stage.ask(HEAR, hearing(model, sound, **fields), key=KEY, headers=[content_type()])


async def reset(wire: Wire, received: Received) -> None:
    wire.reset()


async def test_a_recording_is_sent_again_where_a_provider_fails(stage: Stage) -> None:
    async with serving(reset) as one, serving(answer(HEARD)) as two:
        model = await own(stage, one, two)
        said = await hear(stage, model, LARGE)
        received = two.requests[0]

    assert (said.status, said.json()["text"], said.headers["x-turnpike-attempts"]) == (200, "Hello.", "2")
    assert LARGE in received.body
    assert int(received.headers["content-length"]) == len(received.body)
    assert received.line == "POST /v1/speech-to-text HTTP/1.1"
    assert b'name="model_id"\r\n\r\nupstream-model\r\n' in received.body
    assert b'name="model"' not in received.body
    row = stage.settled(said)
    assert (row.outcome, row.usage_source, row.cost_nanousd) == (Outcome.OK, UsageSource.REPORTED, 500_000)


async def test_a_transcript_that_is_none_is_the_providers_fault(stage: Stage) -> None:
    async with serving(answer({"message": "queued"})) as upstream:
        model = await own(stage, upstream)
        said = await hear(stage, model)

    assert (said.status, said.code) == (502, "UPSTREAM_GARBAGE")
    row = stage.settled(said)
    assert row.usage_source == UsageSource.ESTIMATED, "it worked for it"
    assert row.cost_nanousd


async def test_a_caller_that_leaves_is_charged_and_its_provider_left_alone(stage: Stage) -> None:
    left = asyncio.Event()

    async def hanging(wire: Wire, received: Received) -> None:
        await wire.gone()
        left.set()

    async with serving(hanging) as upstream, stage.caller() as caller:
        model = await own(stage, upstream)
        headers = [content_type(), ("x-request-id", "own-left")]
        await caller.send(request(HEAR, hearing(model), key=KEY, headers=headers))
        while not upstream.requests:
            await asyncio.sleep(0.01)
        caller.leave()
        row = await stage.will_settle("own-left")
        await asyncio.wait_for(left.wait(), 5)

    assert (row.outcome, row.usage_source) == (Outcome.CANCELLED, UsageSource.ESTIMATED)
    assert row.cost_nanousd


async def test_sound_goes_on_as_it_comes(stage: Stage) -> None:
    goes_on = asyncio.Event()

    async def slowly(wire: Wire, received: Received) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
        await wire.write(head + chunk(b"first"))
        await goes_on.wait()
        await wire.write(chunk(b"last") + b"0\r\n\r\n")

    async with serving(slowly) as upstream, stage.caller() as caller:
        model = await own(stage, upstream)
        await caller.send(request(SPEECH, {"model": model, "input": "Say it.", "voice": "v1"}, key=KEY))
        head = await caller.head()
        assert await caller.chunk() == b"first"
        goes_on.set()
        assert (await caller.chunk(), await caller.chunk()) == (b"last", b"")
        received = upstream.requests[0]

    assert received.line == "POST /v1/text-to-speech/v1/stream?output_format=mp3_44100_128 HTTP/1.1"
    assert received.json() == {"text": "Say it.", "model_id": "upstream-model"}
    assert stage.settled(head).cost_nanousd == 7_000


async def test_what_one_provider_cannot_be_told_another_is(stage: Stage) -> None:
    """A field that the one's own form has no word for goes to the deployment that speaks OpenAI's."""
    sound = answer(b"flac", content_type="audio/flac")
    async with serving() as own_form, serving(sound) as openais:
        model = await own(stage, own_form)
        await stage.model(openais, dialect="openai_media", name=model, rates=PRICES)
        asked = {"model": model, "input": "x", "voice": "v1", "response_format": "flac"}
        answers = [await stage.ask(SPEECH, asked, key=KEY) for _ in range(4)]
        assert own_form.requests == []

    assert [each.body for each in answers] == [b"flac"] * 4


async def test_an_image_is_asked_for_in_a_form_and_an_error_is_told(stage: Stage) -> None:
    refused = answer({"id": "x", "name": "bad_request", "errors": ["prompt: too long"]}, "400 Bad Request")
    async with serving(answer(PAINTED), refused) as upstream:
        model = await own(stage, upstream)
        painted = await stage.ask(PAINT, {"model": model, "prompt": "a fox"}, key=KEY)
        failed = await stage.ask(PAINT, {"model": model, "prompt": "a fox"}, key=KEY)
        received = upstream.requests[0]

    assert painted.json()["data"] == [{"b64_json": "AAAA"}]
    assert painted.headers["x-turnpike-cost"] == "0.040000000"
    assert received.path == "/v1/generate/upstream-model"
    assert received.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert received.headers["accept"] == "application/json"
    assert (failed.status, failed.message) == (400, "prompt: too long")
