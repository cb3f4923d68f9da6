"""Answers that are no JSON through a relay: they keep their type, go on as they come, and are never taken for whole
when they are not."""

import asyncio
import json
from typing import Any

import pytest

from tests.support.forms import content_type, field, file, form, wav
from tests.support.http import Answer, request
from tests.support.relay_process import KEY, Stage
from tests.support.upstream import Received, Upstream, Wire, answer, chunk, event, serving
from turnpike.contract.events import Outcome, UsageSource
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates

pytestmark = pytest.mark.asyncio(loop_scope="module")

SPEECH, HEAR, EDIT = "/v1/audio/speech", "/v1/audio/transcriptions", "/v1/images/edits"
MIB = 1024 * 1024
SOUND_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ntransfer-encoding: chunked\r\n\r\n"
EVENTS_HEAD = SOUND_HEAD.replace(b"audio/mpeg", b"text/event-stream")
PRICES = Rates(input=1000, output=2000, media=MediaRates(character=15_000_000, input_audio_hour=360_000_000_000))


def speech(model: str, text: str = "Say it.", **fields: Any) -> dict[str, Any]:
    return {"model": model, "input": text, "voice": "alloy", **fields}


async def priced(stage: Stage, *upstreams: Upstream, **facts: Any) -> str:
    return await stage.model(*upstreams, dialect="openai_media", rates=PRICES, **facts)


async def hear(stage: Stage, model: str, sound: bytes = wav(2.0), **fields: str) -> Answer:
    body = form(*(field(name, value) for name, value in fields.items()), field("model", model), file("file", sound))
    return await stage.ask(HEAR, body, key=KEY, headers=[content_type()])


# ---- sound


async def test_sound_goes_on_as_it_comes(stage: Stage) -> None:
    goes_on = asyncio.Event()

    async def slowly(wire: Wire, received: Received) -> None:
        await wire.write(SOUND_HEAD + chunk(b"first"))
        await goes_on.wait()
        await wire.write(chunk(b"last") + b"0\r\n\r\n")

    async with serving(slowly) as upstream, stage.caller() as caller:
        model = await priced(stage, upstream)
        await caller.send(request(SPEECH, speech(model), key=KEY))
        head = await caller.head()
        assert await caller.chunk() == b"first"
        goes_on.set()
        assert (await caller.chunk(), await caller.chunk()) == (b"last", b"")
        received = upstream.requests[0].json()

    assert head.headers["content-type"] == "audio/mpeg"
    assert received == speech("upstream-model")
    row = stage.settled(head)
    assert (row.outcome, row.operation, row.stream) == (Outcome.OK, "speech", False)
    assert (row.usage_source, row.cost_nanousd) == (UsageSource.REPORTED, 7 * 15_000), "by the character, as it is sold"
    assert row.total_us >= row.first_byte_us


async def test_sound_in_one_piece_is_answered_whole(stage: Stage) -> None:
    async with serving(answer(b"\x00\x01" * 50, content_type="audio/wav")) as upstream:
        model = await priced(stage, upstream)
        said = await stage.ask(SPEECH, speech(model), key=KEY)

    assert (said.status, said.body) == (200, b"\x00\x01" * 50)
    assert said.headers["content-type"] == "audio/wav"
    assert said.headers["x-turnpike-cost"] == "0.000105000"


async def test_sound_that_breaks_off_is_not_taken_for_whole(stage: Stage) -> None:
    async def cut(wire: Wire, received: Received) -> None:
        await wire.write(SOUND_HEAD + chunk(b"a" * 1000))
        await asyncio.sleep(0.05)
        wire.reset()

    async with serving(cut) as upstream:
        model = await priced(stage, upstream)
        said = await stage.ask(SPEECH, speech(model), key=KEY)

    assert (said.status, said.whole) == (200, False)
    row = stage.settled(said)
    assert (row.outcome, row.error_code, row.usage_source) == (Outcome.CUT, "UPSTREAM_CUT", UsageSource.ESTIMATED)
    assert row.cost_nanousd


async def test_a_failure_before_the_first_byte_is_tried_elsewhere(stage: Stage) -> None:
    async def drop(wire: Wire, received: Received) -> None:
        wire.reset()

    async with serving(drop) as one, serving(answer(b"sound", content_type="audio/mpeg")) as two:
        model = await priced(stage, one, two)
        said = await stage.ask(SPEECH, speech(model), key=KEY)

    assert (said.status, said.body, said.headers["x-turnpike-attempts"]) == (200, b"sound", "2")


async def test_a_caller_that_leaves_in_the_middle_is_charged(stage: Stage) -> None:
    async def endless(wire: Wire, received: Received) -> None:
        await wire.write(SOUND_HEAD + chunk(b"a" * 1000))
        await wire.gone()

    async with serving(endless) as upstream, stage.caller() as caller:
        model = await priced(stage, upstream)
        await caller.send(request(SPEECH, speech(model), key=KEY, headers=[("x-request-id", "left-1")]))
        await caller.head()
        caller.leave()
        row = await stage.will_settle("left-1")

    assert (row.outcome, row.usage_source) == (Outcome.CANCELLED, UsageSource.ESTIMATED)
    assert row.cost_nanousd


async def test_a_slow_listener_holds_the_provider_back(stage: Stage) -> None:
    size = 60 * MIB
    sent = 0

    async def flood(wire: Wire, received: Received) -> None:
        nonlocal sent
        await wire.write(SOUND_HEAD)
        while sent < size:
            await wire.write(chunk(b"s" * MIB))
            sent += MIB
        await wire.write(b"0\r\n\r\n")

    async with serving(flood) as upstream, stage.caller() as caller:
        model = await priced(stage, upstream)
        before = stage.relay.rss_bytes()
        await caller.send(request(SPEECH, speech(model), key=KEY))
        await caller.head()
        await asyncio.sleep(0.5)
        held, grown = sent, stage.relay.rss_bytes() - before
        heard = 0
        while piece := await caller.chunk():
            heard += len(piece)

    assert held < size / 2, "the provider went on although nobody listened"
    assert grown < 30 * MIB
    assert heard == size


# ---- text and JSON


@pytest.mark.parametrize(
    ("kind", "shown"), [("text", "text/plain; charset=utf-8"), ("vtt", "text/vtt"), ("srt", "x/y")]
)
async def test_a_transcript_as_text_keeps_its_type(stage: Stage, kind: str, shown: str) -> None:
    async with serving(answer(b"WEBVTT\n\nHello.\n", content_type=shown)) as upstream:
        model = await priced(stage, upstream)
        said = await hear(stage, model, response_format=kind)

    assert (said.body, said.headers["content-type"]) == (b"WEBVTT\n\nHello.\n", shown)
    row = stage.settled(said)
    assert row.usage is not None
    assert row.usage.media is not None
    assert (row.usage.media.input_audio_ms, row.cost_nanousd) == (2000, 200_000), "two seconds, as the file says"


async def test_text_for_a_recording_of_unknown_length_is_estimated(stage: Stage) -> None:
    async with serving(answer(b"Hello.", content_type="text/plain")) as upstream:
        model = await priced(stage, upstream)
        said = await hear(stage, model, b"OggS" + bytes(80_000), response_format="text")

    row = stage.settled(said)
    assert row.usage_source == UsageSource.ESTIMATED
    assert row.cost_nanousd


async def test_large_json_is_passed_on_and_counted(stage: Stage) -> None:
    usage = {"input_tokens": 30, "output_tokens": 7, "input_tokens_details": {"image_tokens": 20, "text_tokens": 10}}
    body = json.dumps({"created": 1, "data": [{"b64_json": "A" * (20 * MIB)}], "usage": usage}).encode()

    async with serving(answer(body)) as upstream:
        model = await priced(stage, upstream)
        before = stage.relay.rss_bytes()
        sent = form(field("model", model), field("prompt", "a hat"), file("image[]", b"png", "a.png", "image/png"))
        said = await stage.ask(EDIT, sent, key=KEY, headers=[content_type()])

    assert said.body == body
    assert stage.relay.rss_bytes() - before < 30 * MIB
    row = stage.settled(said)
    assert row.usage is not None
    assert (row.usage.input_tokens, row.usage.output_tokens, row.usage_source) == (30, 7, UsageSource.REPORTED)


async def test_a_page_is_no_answer(stage: Stage) -> None:
    async with serving(answer(b"<html>Hello</html>", content_type="text/html")) as upstream:
        model = await priced(stage, upstream)
        said = await stage.ask(SPEECH, speech(model), key=KEY)

    assert (said.status, said.code) == (502, "UPSTREAM_GARBAGE")


async def test_an_error_of_the_provider_is_told_in_the_callers_form(stage: Stage) -> None:
    refused = answer({"error": {"message": "No such voice.", "type": "invalid_request_error"}}, "400 Bad Request")
    async with serving(refused) as upstream:
        model = await priced(stage, upstream)
        said = await stage.ask(SPEECH, speech(model), key=KEY)

    assert (said.status, said.message) == (400, "No such voice.")


# ---- events


DONE = {"type": "transcript.text.done", "text": "Hello.", "usage": {"type": "duration", "seconds": 3}}


async def test_events_are_settled_with_their_last(stage: Stage) -> None:
    stream = EVENTS_HEAD + chunk(event({"type": "transcript.text.delta", "delta": "Hel"})) + chunk(event(DONE))
    async with serving(stream + b"0\r\n\r\n") as upstream:
        model = await priced(stage, upstream)
        said = await hear(stage, model, stream="true")

    assert said.headers["content-type"] == "text/event-stream"
    assert b"transcript.text.done" in said.body
    row = stage.settled(said)
    assert (row.stream, row.outcome, row.cost_nanousd) == (True, Outcome.OK, 300_000)


async def test_a_caller_that_leaves_after_the_last_event_had_it_all(stage: Stage) -> None:
    async def lingering(wire: Wire, received: Received) -> None:
        await wire.write(EVENTS_HEAD + chunk(event(DONE)))
        await wire.gone()

    async with serving(lingering) as upstream, stage.caller() as caller:
        model = await priced(stage, upstream)
        body = form(field("stream", "true"), field("model", model), file("file", wav(3.0)))
        await caller.send(request(HEAR, body, key=KEY, headers=[content_type(), ("x-request-id", "left-2")]))
        await caller.head()
        assert b"done" in await caller.chunk()
        caller.leave()
        row = await stage.will_settle("left-2")

    assert (row.outcome, row.usage_source) == (Outcome.OK, UsageSource.REPORTED)


async def test_events_that_break_off_end_in_an_error_event(stage: Stage) -> None:
    async def cut(wire: Wire, received: Received) -> None:
        await wire.write(EVENTS_HEAD + chunk(event({"type": "transcript.text.delta", "delta": "Hel"})) + b"0\r\n\r\n")

    async with serving(cut) as upstream:
        model = await priced(stage, upstream)
        said = await hear(stage, model, stream="true")

    assert b'"error"' in said.body.split(b"\n\n")[1]
    assert stage.settled(said).outcome == Outcome.CUT


async def test_json_where_events_were_asked_for_is_passed_on(stage: Stage) -> None:
    """Models that cannot stream a transcript answer it whole, whatever was asked."""
    async with serving(answer({"text": "Hello.", "usage": {"type": "duration", "seconds": 1}})) as upstream:
        model = await priced(stage, upstream)
        said = await hear(stage, model, stream="true")

    assert said.json()["text"] == "Hello."
    assert stage.settled(said).cost_nanousd == 100_000


async def test_speech_is_asked_for_with_a_body_that_is_right(stage: Stage) -> None:
    async with stage.caller() as caller:
        for body, param in (
            ({"model": "m"}, "input"),
            ({"input": "x"}, "model"),
            ({"model": "m", "input": ""}, "input"),
        ):
            said = await caller.ask(SPEECH, body, key=KEY)
            assert (said.status, said.json()["error"]["param"]) == (400, param)
        assert (await caller.ask(SPEECH, b'{"model":"a","model":"b","input":"x"}', key=KEY)).status == 400
