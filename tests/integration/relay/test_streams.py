"""Streamed answers: as they come, in the caller's dialect, counted, and paused where the caller does not keep up."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http import CHAT, MESSAGES, Answer, request
from tests.support.relay_process import KEY, Stage, cost_nanousd
from tests.support.streams import PAIRS, WORDS, body_for, ends_well, error_in, events_of, text_of
from tests.support.upstream import (
    STREAM_END,
    STREAM_HEAD,
    Received,
    Upstream,
    Wire,
    answer,
    chat_events,
    chunk,
    completion,
    event,
    refusal,
    serving,
    whole_stream,
)
from turnpike.contract.events import Outcome, UsageSource
from turnpike.wire.types.usage import Usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTINGS = {"first_byte_timeout_s": 1.0, "read_timeout_s": 1.5}


async def stream(stage: Stage, path: str, dialect: str, *steps: Any, **fields: Any) -> Answer:
    async with serving(*steps) as upstream:
        return await stage.ask(path, body_for(path, await stage.model(upstream, dialect=dialect), **fields))


# ---- the plain case


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_every_pair_of_dialects_is_streamed(stage: Stage, path: str, dialect: str) -> None:
    answered = await stream(stage, path, dialect, whole_stream(events_of(dialect)))
    assert answered.status == 200
    assert answered.whole
    assert answered.headers["content-type"].startswith("text/event-stream")
    assert text_of(path, answered.body) == "".join(WORDS)
    assert ends_well(path, answered.body)
    settled = stage.settled(answered)
    assert settled.stream
    assert settled.usage == Usage(7, 3)
    assert (settled.outcome, settled.usage_source) == (Outcome.OK, UsageSource.REPORTED)
    assert settled.cost_nanousd == cost_nanousd(Usage(7, 3))


@pytest.mark.parametrize("dialect", ["openai_chat", "anthropic_messages"])
async def test_the_same_dialect_passes_byte_for_byte(stage: Stage, dialect: str) -> None:
    path = CHAT if dialect == "openai_chat" else MESSAGES
    events = events_of(dialect)
    options = {"stream_options": {"include_usage": True}} if path == CHAT else {}
    answered = await stream(stage, path, dialect, whole_stream(events), **options)
    assert answered.body == b"".join(events)


async def test_usage_that_only_the_gateway_asked_for_is_left_out(stage: Stage) -> None:
    events = chat_events(WORDS)
    async with serving(whole_stream(events)) as upstream:
        model = await stage.model(upstream)
        answered = await stage.ask(CHAT, body_for(CHAT, model))
        assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
    assert answered.body == b"".join([*events[:-2], events[-1]])
    assert stage.settled(answered).usage == Usage(7, 3)


@pytest.mark.parametrize(
    "options", [{"include_usage": False}, {}, None, {"include_obfuscation": False}, {"include_usage": True}]
)
async def test_other_stream_options_of_the_caller_survive(stage: Stage, options: dict[str, Any] | None) -> None:
    async with serving(whole_stream(chat_events(WORDS))) as upstream:
        model = await stage.model(upstream)
        answered = await stage.ask(CHAT, body_for(CHAT, model, stream_options=options))
        assert upstream.requests[0].json()["stream_options"] == {**(options or {}), "include_usage": True}
    wanted = bool(options and options.get("include_usage"))
    assert (b'"usage":{' in answered.body) is wanted


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pair=st.sampled_from(PAIRS), data=st.data())
async def test_a_stream_is_the_same_however_it_is_cut(
    stage: Stage, streams: dict[str, tuple[Upstream, str]], pair: tuple[str, str], data: st.DataObject
) -> None:
    path, dialect = pair
    raw = b"".join(events_of(dialect))
    places = sorted(data.draw(st.lists(st.integers(1, len(raw) - 1), max_size=8, unique=True), label="cuts"))
    pieces = [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]
    upstream, model = streams[dialect]

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD)
        for piece in pieces:
            await wire.write(chunk(piece))
            await asyncio.sleep(0.001)
        await wire.write(STREAM_END)

    upstream.steps = [say]
    answered = await stage.ask(path, body_for(path, model))
    assert text_of(path, answered.body) == "".join(WORDS)
    assert ends_well(path, answered.body)
    assert b'"usage":{"prompt' not in answered.body
    assert stage.settled(answered).usage == Usage(7, 3)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def streams(stage: Stage) -> AsyncIterator[dict[str, tuple[Upstream, str]]]:
    async with serving(b"") as one, serving(b"") as two:
        yield {
            "openai_chat": (one, await stage.model(one)),
            "anthropic_messages": (two, await stage.model(two, dialect="anthropic_messages")),
        }


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_the_first_event_is_there_before_the_second_is_said(stage: Stage, path: str, dialect: str) -> None:
    go = asyncio.Event()
    events = events_of(dialect)

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events[:3])))
        await go.wait()
        await wire.write(b"".join(map(chunk, events[3:])) + STREAM_END)

    async with serving(say) as upstream, stage.caller() as caller:
        model = await stage.model(upstream, dialect=dialect)
        await caller.send(request(path, body_for(path, model), key=KEY))
        assert (await caller.head()).status == 200
        first = await caller.chunk()
        assert text_of(path, first) in {"One", "One road"}
        go.set()
        rest = b""
        while piece := await caller.chunk():
            rest += piece
        assert text_of(path, first + rest) == "".join(WORDS)


async def test_http_1_0_is_streamed_until_the_end_of_the_connection(stage: Stage) -> None:
    async with serving(whole_stream(chat_events(WORDS))) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        answered = await caller.ask(CHAT, body_for(CHAT, model), key=KEY, version="1.0")
    assert "transfer-encoding" not in answered.headers
    assert text_of(CHAT, answered.body) == "".join(WORDS)


async def test_a_connection_is_kept_after_a_stream(stage: Stage) -> None:
    async with serving(whole_stream(chat_events(WORDS))) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        for _ in range(3):
            answered = await caller.ask(CHAT, body_for(CHAT, model), key=KEY)
            assert ends_well(CHAT, answered.body)
        assert upstream.connections == 1


async def test_a_stream_in_an_encoding_that_nobody_asked_for_is_unpacked(stage: Stage) -> None:
    packed = gzip.compress(b"".join(chat_events(WORDS)))
    head = STREAM_HEAD[:-2] + b"content-encoding: gzip\r\n\r\n"
    raw = head + b"".join(chunk(packed[place : place + 20]) for place in range(0, len(packed), 20)) + STREAM_END
    answered = await stream(stage, CHAT, "openai_chat", raw)
    assert text_of(CHAT, answered.body) == "".join(WORDS)


async def test_a_stream_until_the_end_of_the_connection(stage: Stage) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(chat_events(WORDS))

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(raw)
        wire.close()

    answered = await stream(stage, CHAT, "openai_chat", say)
    assert answered.whole
    assert ends_well(CHAT, answered.body)


async def test_the_settle_record_is_there_before_the_end_marker(stage: Stage) -> None:
    go = asyncio.Event()
    events = chat_events(WORDS)

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events)))
        await go.wait()
        await wire.write(STREAM_END)

    async with serving(say) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        await caller.send(request(CHAT, body_for(CHAT, model), key=KEY, headers=[("X-Request-Id", "marker")]))
        await caller.head()
        seen = b""
        while b"[DONE]" not in seen:
            seen += await caller.chunk()
        assert len(stage.settles("marker")) == 1
        go.set()
        while await caller.chunk():
            pass
        assert len(stage.settles("marker")) == 1


# ---- what goes wrong


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
@pytest.mark.parametrize("how", ["reset", "end of connection", "end of chunks"])
async def test_a_stream_that_breaks_off_ends_in_an_error_event(stage: Stage, path: str, dialect: str, how: str) -> None:
    events = events_of(dialect)

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events[:4])))
        await asyncio.sleep(0.03)
        if how == "end of chunks":
            await wire.write(STREAM_END)
        elif how == "reset":
            wire.reset()
        else:
            wire.close()

    answered = await stream(stage, path, dialect, say)
    assert answered.status == 200
    assert text_of(path, answered.body.split(b"event: error")[0].split(b'data: {"error"')[0])
    assert not ends_well(path, answered.body)
    assert b"[DONE]" not in answered.body
    assert b"message_stop" not in answered.body
    error = error_in(path, answered.body)
    assert error is not None
    assert "provider" in error["message"]
    settled = stage.settled(answered)
    assert (settled.outcome, settled.error_code) == (Outcome.CUT, "UPSTREAM_CUT")
    assert settled.usage_source == UsageSource.ESTIMATED
    assert settled.usage is not None
    assert settled.usage.output_tokens > 0
    assert settled.cost_nanousd == cost_nanousd(settled.usage)


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_a_stream_that_falls_silent_ends_in_an_error_event(stage: Stage, path: str, dialect: str) -> None:
    events = events_of(dialect)

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events[:4])))
        await wire.gone()

    answered = await stream(stage, path, dialect, say)
    assert error_in(path, answered.body) is not None
    assert stage.settled(answered).error_code == "UPSTREAM_TIMEOUT"


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
@pytest.mark.parametrize("how", ["reset", "silence"])
async def test_what_comes_behind_the_end_marker_cannot_spoil_the_answer(
    stage: Stage, path: str, dialect: str, how: str
) -> None:
    """Some servers break off behind the last event instead of ending their chunks."""

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events_of(dialect))))
        await asyncio.sleep(0.03)
        if how == "reset":
            wire.reset()
        else:
            await wire.gone()

    answered = await stream(stage, path, dialect, say)
    assert answered.whole
    assert ends_well(path, answered.body), answered.body[-200:]
    settled = stage.settled(answered)
    assert (settled.outcome, settled.usage) == (Outcome.OK, Usage(7, 3))


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_an_error_event_of_the_provider_is_told_as_one(stage: Stage, path: str, dialect: str) -> None:
    if dialect == "openai_chat":
        failure = event({"error": {"message": "Overloaded.", "type": "server_error", "code": "overloaded"}})
    else:
        failure = event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded."}}, "error")
    answered = await stream(stage, path, dialect, whole_stream([*events_of(dialect)[:4], failure]))
    error = error_in(path, answered.body)
    assert error is not None
    assert error["message"] == "Overloaded."
    assert not ends_well(path, answered.body)
    settled = stage.settled(answered)
    assert (settled.outcome, settled.error_code) == (Outcome.UPSTREAM_ERROR, "UPSTREAM_REFUSED")
    assert settled.cost_nanousd


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_garbage_in_a_stream_never_ends_it_cleanly(stage: Stage, path: str, dialect: str) -> None:
    garbage = event("{not json") + b"\xff\xfe\n\n" + event(["a list"])

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events_of(dialect)[:4])))
        await asyncio.sleep(0.03)
        await wire.write(chunk(garbage) + STREAM_END)

    answered = await stream(stage, path, dialect, say)
    assert error_in(path, answered.body) is not None or not answered.whole
    assert not ends_well(path, answered.body)
    assert stage.settled(answered).outcome in {Outcome.CUT, Outcome.UPSTREAM_ERROR}


@pytest.mark.parametrize(("path", "dialect"), PAIRS)
async def test_a_stream_that_is_refused_is_an_ordinary_error(stage: Stage, path: str, dialect: str) -> None:
    answered = await stream(stage, path, dialect, refusal("400 Bad", "Too long."))
    assert answered.status == 400
    assert answered.headers["content-type"] == "application/json"
    assert answered.json()["error"]["message"] == "Too long."


async def test_json_instead_of_a_stream_is_garbage_that_is_charged_for(stage: Stage) -> None:
    await stage.policies(max_attempts=1)
    try:
        answered = await stream(stage, CHAT, "openai_chat", answer(completion()))
    finally:
        await stage.policies()
    assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")
    assert "application/json" in answered.message
    assert stage.settled(answered).usage_source == UsageSource.ESTIMATED


async def test_a_stream_instead_of_json_is_garbage(stage: Stage) -> None:
    await stage.policies(max_attempts=1)
    try:
        answered = await stream(stage, CHAT, "openai_chat", whole_stream(chat_events(WORDS)), stream=False)
    finally:
        await stage.policies()
    assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")


async def test_a_stream_without_usage_is_estimated(stage: Stage) -> None:
    answered = await stream(stage, CHAT, "openai_chat", whole_stream(chat_events(WORDS * 20, usage=False)))
    settled = stage.settled(answered)
    assert (settled.outcome, settled.usage_source) == (Outcome.OK, UsageSource.ESTIMATED)
    assert settled.usage is not None
    assert settled.usage.output_tokens > 20
