"""What the relay writes down, when it is there, and what becomes of it when the disk, the relay or the supervisor is
not well."""

import asyncio
import fcntl
import json
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.http import CHAT, EMBEDDINGS, Answer, request
from tests.support.relay_process import KEY, RelayProcess, Stage, chat_body, check_journal, running_stage
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
    embeddings,
    serving,
)
from turnpike.contract.events import Caller, OpenRecord, Outcome, Served, UsageEvent, UsageSource
from turnpike.contract.journal import MAGIC, Scan, read_frames, segments_of, unpack_header
from turnpike.contract.refusals import RefusalRecord
from turnpike.wire.types.usage import Usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

GOOD = answer(completion())
SMALL = 8 * 1024
"""Bytes of a segment that holds a dozen calls."""


# ---- what is written, and when


async def test_the_records_of_a_call_are_these(stage: Stage) -> None:
    async with serving(GOOD) as upstream:
        model = await stage.model(upstream)
        trace = f"00-{'c' * 32}-{'d' * 16}-01"
        before = int(time.time() * 1000)
        answered = await stage.chat(model, headers=[("X-Request-Id", "records"), ("Traceparent", trace)])
        after = int(time.time() * 1000)
    grant = stage.grant_of(KEY)
    (opened,) = stage.opens("records")
    settled = stage.settled(answered)
    caller = Caller(grant.key_id, grant.key_name, grant.user_id, None)
    spec = stage.control.snapshot.models[-1]
    provider = stage.control.snapshot.providers[-1]
    served = Served(
        provider.id, provider.slug, spec.id, provider.credentials[0].id, model, "upstream-model", "openai_chat", "test"
    )
    assert len(opened.event_id) == 16
    assert before - 150 <= opened.started_at_ms <= after + 1
    assert opened == OpenRecord(
        opened.event_id, 1, opened.started_at_ms, 0, "records", "c" * 32, caller, "chat", "openai_chat", False, model,
        served,
    )  # fmt: skip
    assert settled == UsageEvent(
        opened.event_id, opened.started_at_ms, "records", "c" * 32, caller, "chat", "openai_chat", False, model, served,
        200, Outcome.OK, None, Usage(7, 3), UsageSource.REPORTED, 13_000, settled.first_byte_us, settled.total_us, 1,
    )  # fmt: skip


async def test_a_refusal_of_a_known_caller_is_written_without_a_provider(stage: Stage) -> None:
    answered = await stage.chat("no-such-model")
    settled = stage.settled(answered)
    assert (settled.status, settled.outcome, settled.error_code) == (404, Outcome.REFUSED, "MODEL_NOT_FOUND")
    assert (settled.served, settled.usage, settled.cost_nanousd, settled.attempts) == (None, None, 0, 0)
    assert settled.usage_source == UsageSource.NONE


async def test_of_a_caller_that_nobody_knows_only_the_refusal_is_written(stage: Stage) -> None:
    before = len(stage.relay.records())
    await stage.chat("model", key="tp-nobody")
    await stage.chat("model", key=None)
    written = stage.relay.records()[before:]
    assert all(isinstance(record, RefusalRecord) for record in written)
    assert [record.code for record in written if isinstance(record, RefusalRecord)] == ["UNAUTHENTICATED"] * 2
    assert "tp-nobody" not in str(written)


async def test_a_very_long_model_name_is_cut_in_the_journal(stage: Stage) -> None:
    answered = await stage.chat("m" * 100_000)
    assert answered.status == 404
    assert len(answered.body) < 300_000
    assert len(stage.settled(answered).model_asked) <= 256


async def test_no_secret_is_in_the_journal_or_the_log(stage: Stage) -> None:
    async with serving(GOOD) as upstream:
        await stage.chat(await stage.model(upstream))
    (incarnation,) = stage.relay.journal_dir.iterdir()
    written = b"".join(path.read_bytes() for path in incarnation.iterdir()) + stage.relay.log.read_bytes()
    assert b"name-" in written
    assert KEY.encode() not in written
    assert b"sk-upstream" not in written
    assert b"Say hello" not in written


async def test_the_open_record_is_there_before_the_provider_hears_of_the_call(stage: Stage) -> None:
    seen: list[int] = []

    async def look(wire: Wire, received: Received) -> None:
        seen.append(len(stage.opens(received.headers["x-request-id"])))
        assert stage.settles(received.headers["x-request-id"]) == []
        await wire.write(GOOD)

    async with serving(look) as upstream:
        model = await stage.model(upstream)
        for _ in range(5):
            assert (await stage.chat(model)).status == 200
        async with stage.caller() as caller:
            for _ in range(5):
                await caller.ask(CHAT, chat_body(model), key=KEY)
    assert seen == [1] * 10


async def test_the_settle_record_is_there_before_the_caller_has_the_answer(stage: Stage) -> None:
    """Read at the moment when the first byte of the answer arrives."""
    async with serving(GOOD) as upstream, stage.caller() as caller:
        model = await stage.model(upstream)
        for number in range(10):
            request_id = f"settled-{number}"
            await caller.send(request(CHAT, chat_body(model), key=KEY, headers=[("X-Request-Id", request_id)]))
            first = await caller.reader.readexactly(1)
            assert len(stage.settles(request_id)) == 1
            assert first == b"H"
            await caller.reader.readuntil(b"\r\n\r\n")
            await caller.reader.readexactly(len(json.dumps(completion())))


async def test_files_are_the_owners_only(stage: Stage) -> None:
    (incarnation,) = stage.relay.journal_dir.iterdir()
    assert incarnation.stat().st_mode & 0o77 == 0
    for path in incarnation.iterdir():
        assert path.stat().st_mode & 0o77 == 0
    header = unpack_header(segments_of(incarnation)[0].read_bytes())
    assert header is not None
    assert header.incarnation.hex() == incarnation.name == stage.control.hellos[0].incarnation
    assert segments_of(incarnation)[0].read_bytes().startswith(MAGIC)


# ---- segments


async def load(stage: Stage, model: str, calls: int, *, at_once: int = 8) -> list[Answer]:
    """So many calls, several at a time, on kept connections."""

    async def some(count: int) -> list[Answer]:
        async with stage.caller() as caller:
            return [await caller.ask(CHAT, chat_body(model), key=KEY) for _ in range(count)]

    return [each for part in await asyncio.gather(*(some(calls // at_once) for _ in range(at_once))) for each in part]


async def test_segments_roll_over_under_load(tmp_path: Path) -> None:
    async with running_stage(tmp_path, journal_segment_bytes=SMALL) as stage, serving(GOOD) as upstream:
        answers = await load(stage, await stage.model(upstream), 400)
        assert {each.status for each in answers} == {200}
        (incarnation,) = stage.relay.journal_dir.iterdir()
        segments = segments_of(incarnation)
        assert len(segments) > 10
        sequences = []
        for segment in segments:
            data = segment.read_bytes()
            header = unpack_header(data)
            assert header is not None
            sequences.append(header.sequence)
            scan = Scan()
            list(read_frames(data, scan))
            assert scan.sealed or segment in segments[-2:]
        assert sequences == list(range(1, len(segments) + 1))
        assert len(stage.settles()) == len(stage.opens()) == 400
    assert len(stage.settles()) == 400


async def test_a_sealed_journal_is_left_with_its_lock_free(tmp_path: Path) -> None:
    async with running_stage(tmp_path) as stage, serving(GOOD) as upstream:
        await stage.chat(await stage.model(upstream))
        (incarnation,) = stage.relay.journal_dir.iterdir()
        with (incarnation / "lock").open("r+") as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    (segment,) = segments_of(incarnation)
    scan = Scan()
    assert len(list(read_frames(segment.read_bytes(), scan))) == 2
    assert scan.sealed
    with (incarnation / "lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


# ---- a disk that takes no more


async def fill(stage: Stage, model: str, first_id: str = "x") -> Answer:
    """Calls until one is refused. The length of `first_id` moves the place at which the segment is full."""
    answered = await stage.chat(model, headers=[("X-Request-Id", first_id)])
    async with asyncio.timeout(20):
        while answered.status == 200:
            answered = await stage.chat(model)
    return answered


async def test_a_full_disk_refuses_new_work_and_is_told_by_health(tmp_path: Path) -> None:
    async with running_stage(tmp_path, journal_segment_bytes=SMALL) as stage, serving(GOOD) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 200
        stage.relay.limit_files(100)
        answered = await fill(stage, model)
        assert (answered.status, answered.code) == (503, "UNAVAILABLE")
        assert int(answered.headers["retry-after"]) > 0
        assert "journal" in answered.message
        health = await stage.ask("/health", method="GET")
        assert health.status == 503
        assert health.json()["status"] == "unhealthy"
        assert "journal" in health.json()["checks"]
        asked = len(upstream.requests)
        assert (await stage.chat(model)).status == 503
        assert len(upstream.requests) == asked
        stage.relay.limit_files(2**62)
        async with asyncio.timeout(5):
            while (await stage.chat(model)).status != 200:
                await asyncio.sleep(0.05)
        assert (await stage.ask("/health", method="GET")).json()["checks"]["journal"] == "ok"
        records = stage.relay.records()
        opened = {each.request_id for each in records if isinstance(each, OpenRecord)}
        assert {received.headers["x-request-id"] for received in upstream.requests} <= opened


async def test_no_provider_hears_of_a_call_that_is_not_in_the_journal(tmp_path: Path) -> None:
    """Not even the one call that finds the disk full."""
    missing: list[str] = []
    async with running_stage(tmp_path, journal_segment_bytes=SMALL) as stage:

        async def look(wire: Wire, received: Received) -> None:
            request_id = received.headers["x-request-id"]
            if not stage.opens(request_id):
                missing.append(request_id)
            await wire.write(GOOD)

        async with serving(look) as upstream:
            model = await stage.model(upstream)
            for number in range(12):
                stage.relay.limit_files(100)
                assert (await fill(stage, model, f"{number}-".ljust(10 * number + 3, "x"))).status == 503
                stage.relay.limit_files(2**62)
                async with asyncio.timeout(5):
                    while (await stage.chat(model)).status != 200:
                        await asyncio.sleep(0.02)
    assert missing == []


async def test_a_full_disk_may_be_counted_in_memory_and_written_later(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"journal_segment_bytes": SMALL, "journal_full": "memory"}
    async with running_stage(tmp_path, **settings) as stage, serving(GOOD) as upstream:
        model = await stage.model(upstream)
        assert (await stage.chat(model)).status == 200
        stage.relay.limit_files(100)
        answers = await load(stage, model, 80)
        assert {each.status for each in answers} == {200}
        assert len(stage.settles()) < 81
        health = await stage.ask("/health", method="GET")
        assert health.json()["status"] != "healthy"
        stage.relay.limit_files(2**62)
        async with asyncio.timeout(5):
            while len(stage.settles()) < 81:
                await asyncio.sleep(0.05)
        ids = [each.request_id for each in stage.settles()]
        assert set(ids[1:]) == {each.headers["x-request-id"] for each in answers}
        assert (await stage.ask("/health", method="GET")).json()["status"] == "healthy"


# ---- kill -9


@pytest.mark.parametrize("seed", range(3))
async def test_after_kill_9_every_call_that_a_provider_saw_is_open_and_every_answer_settled(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    whole: list[str] = []
    stage = Stage(tmp_path, journal_segment_bytes=16 * 1024)
    await stage.control.start()

    async def say(wire: Wire, received: Received) -> None:
        await asyncio.sleep(chance.random() * 0.01)
        if received.json().get("stream"):
            await wire.write(STREAM_HEAD)
            for each in chat_events(["a", "b"]):
                await wire.write(chunk(each))
                await asyncio.sleep(chance.random() * 0.003)
            await wire.write(STREAM_END)
        else:
            await wire.write(GOOD)

    async def calls(number: int, model: str) -> None:
        sent = 0
        while True:
            try:
                async with stage.caller() as caller:
                    while True:
                        sent += 1
                        request_id = f"call-{number}-{sent}"
                        body = chat_body(model, stream=bool(sent % 2))
                        answered = await caller.ask(CHAT, body, key=KEY, headers=[("X-Request-Id", request_id)])
                        if answered.status == 200 and answered.whole:
                            if not body["stream"] or b"[DONE]" in answered.body:
                                whole.append(request_id)
                        elif b"[DONE]" in answered.body:
                            whole.append(request_id)
            except (ConnectionError, asyncio.IncompleteReadError):
                await asyncio.sleep(0.005)

    try:
        async with serving(say) as upstream:
            await stage.relay.start()
            model = await stage.model(upstream)
            running = [asyncio.create_task(calls(number, model)) for number in range(8)]
            for _ in range(3):
                await asyncio.sleep(0.3 + chance.random() * 0.3)
                await stage.relay.kill()
                await stage.relay.start()
            await asyncio.sleep(0.2)
            await stage.relay.kill()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            seen = {received.headers["x-request-id"] for received in upstream.requests}
    finally:
        await stage.control.stop()
        stage.relay.close()
    opened = {each.request_id for each in stage.opens()}
    settled = [each.request_id for each in stage.settles()]
    assert len(whole) > 50, "there was some traffic"
    assert seen <= opened, "a provider saw a call that the journal does not know"
    assert set(whole) <= set(settled), "a caller has an answer that the journal does not know"
    assert len(settled) == len(set(settled))
    assert len(stage.control.hellos) == 4
    assert len({hello.incarnation for hello in stage.control.hellos}) == 4


# ---- the end


async def slow_stream(stage: Stage, go: asyncio.Event, upstream: Upstream) -> None:
    async def say(wire: Wire, received: Received) -> None:
        events = chat_events(["one", "two"])
        await wire.write(STREAM_HEAD + b"".join(map(chunk, events[:2])))
        await go.wait()
        await wire.write(b"".join(map(chunk, events[2:])) + STREAM_END)

    upstream.steps = [say]


async def test_sigterm_lets_a_running_stream_finish_and_closes_idle_connections(tmp_path: Path) -> None:
    go = asyncio.Event()
    async with running_stage(tmp_path) as stage, serving(GOOD) as upstream:
        model = await stage.model(upstream)
        async with stage.caller() as idle, stage.caller() as busy, stage.caller() as fresh:
            await idle.ask(CHAT, chat_body(model), key=KEY)
            await slow_stream(stage, go, upstream)
            body = chat_body(model, stream=True)
            await busy.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", "draining")]))
            await busy.head()
            await busy.chunk()
            stage.relay.signal(signal.SIGTERM)
            assert await idle.rest(2) == b"", "nothing more is served here"
            assert await fresh.rest(2) == b"", "nor where nothing was asked yet"
            assert stage.relay.process is not None
            assert stage.relay.process.returncode is None
            go.set()
            rest = b""
            while piece := await busy.chunk():
                rest += piece
            assert rest.endswith(b"data: [DONE]\n\n")
            assert await busy.rest(2) == b""
            assert await stage.relay.ended() == 0
        assert stage.settles("draining")[0].outcome == Outcome.OK


async def test_a_drain_has_an_end_and_what_was_cut_is_settled(tmp_path: Path) -> None:
    async with running_stage(tmp_path, drain_timeout_s=0.5) as stage, serving(GOOD) as upstream:
        model = await stage.model(upstream)
        await slow_stream(stage, asyncio.Event(), upstream)
        async with stage.caller() as one, stage.caller() as two:
            for number, caller in enumerate((one, two)):
                body = chat_body(model, stream=True)
                await caller.send(request(CHAT, body, key=KEY, headers=[("X-Request-Id", f"cut-{number}")]))
                await caller.head()
                await caller.chunk()
            start = time.monotonic()
            stage.relay.signal(signal.SIGTERM)
            assert await stage.relay.ended() == 0
            assert 0.4 < time.monotonic() - start < 3
    for number in range(2):
        (settled,) = stage.settles(f"cut-{number}")
        assert settled.usage_source == UsageSource.ESTIMATED
        assert settled.outcome in {Outcome.CANCELLED, Outcome.INTERRUPTED}


async def test_a_call_that_waits_for_its_answer_when_the_relay_stops_is_settled(tmp_path: Path) -> None:
    async def silent(wire: Wire, received: Received) -> None:
        await wire.gone()

    async with running_stage(tmp_path, drain_timeout_s=0.3) as stage, serving(silent) as upstream:
        model = await stage.model(upstream)
        async with stage.caller() as caller:
            await caller.send(request(CHAT, chat_body(model), key=KEY, headers=[("X-Request-Id", "waits")]))
            await upstream.asked()
            stage.relay.signal(signal.SIGTERM)
            assert await stage.relay.ended() == 0
    assert len(stage.settles("waits")) == 1


async def test_without_its_supervisor_a_relay_drains_and_ends(tmp_path: Path) -> None:
    async with running_stage(tmp_path) as stage, serving(GOOD) as upstream:
        assert (await stage.chat(await stage.model(upstream))).status == 200
        stage.relay.eof()
        assert await stage.relay.ended() == 0
    check_journal(stage.relay.records())


async def test_a_relay_that_waits_for_its_first_snapshot_can_be_stopped(tmp_path: Path) -> None:
    relay = RelayProcess(tmp_path)
    try:
        await relay.start(ready=False)
        await asyncio.sleep(1)
        relay.signal(signal.SIGTERM)
        assert await relay.ended() == 0
        assert relay.faults() == []
    finally:
        relay.close()


async def test_a_relay_without_settings_says_so(tmp_path: Path) -> None:
    relay = RelayProcess(tmp_path)
    try:
        await relay.start(ready=False)
        await relay.kill()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "turnpike.relay", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        _, said = await process.communicate(b"{}\n")
        assert process.returncode != 0
        assert b"settings" in said
        assert b"Traceback" not in said
    finally:
        relay.close()


async def test_a_restarted_relay_takes_over_who_waits_in_the_queue(tmp_path: Path) -> None:
    """The supervisor keeps the socket open: a caller that connects in between is served by the next relay."""
    stage = Stage(tmp_path)
    await stage.control.start()
    try:
        async with serving(GOOD) as upstream:
            await stage.relay.start()
            model = await stage.model(upstream)
            await stage.relay.kill()
            waiting = asyncio.create_task(stage.chat(model))
            await asyncio.sleep(0.1)
            await stage.relay.start()
            assert (await waiting).status == 200
            await stage.relay.stop()
    finally:
        await stage.control.stop()
        stage.relay.close()


async def test_embeddings_are_written_down_too(stage: Stage) -> None:
    async with serving(answer(embeddings())) as upstream:
        model = await stage.model(upstream, dialect="openai_embeddings")
        answered = await stage.ask(EMBEDDINGS, {"model": model, "input": "x"})
    settled = stage.settled(answered)
    assert (settled.operation, settled.dialect) == ("embeddings", "openai_embeddings")
    assert settled.usage is not None
    assert settled.usage.input_tokens == 7
