"""Forms with files through a relay: bounded in memory, byte for byte, sent again where one attempt fails."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.forms import BOUNDARY, content_type, field, file, form, wav
from tests.support.http import Answer, chunked, request
from tests.support.relay_process import KEY, Stage, running_stage
from tests.support.upstream import Received, Upstream, Wire, answer, refusal, serving
from turnpike.contract.events import Outcome, UsageSource
from turnpike.wire.media_rates import MediaRates
from turnpike.wire.prices import Rates

PATH = "/v1/audio/transcriptions"
TEXT = {"text": "Hello.", "usage": {"type": "duration", "seconds": 2}}
MIB = 1024 * 1024
PRICES = Rates(input=1000, output=2000, input_audio=6000, media=MediaRates(input_audio_hour=360_000_000_000))
"""$0.36 an hour of sound, as whisper-1."""


def model_of(body: bytes) -> bytes:
    return body.split(b'name="model"\r\n\r\n')[1].split(b"\r\n")[0]


async def send(stage: Stage, body: bytes, *, key: str | None = KEY, headers: Any = ()) -> Answer:
    return await stage.ask(PATH, body, key=key, headers=[content_type(), *headers])


async def media_model(stage: Stage, *upstreams: Upstream, **facts: Any) -> str:
    return await stage.model(*upstreams, **{"dialect": "openai_media", "rates": PRICES, **facts})


def open_spools(stage: Stage) -> list[str]:
    """Files of uploads that the relay has open; they have no names."""
    folder = Path(f"/proc/{stage.relay.pid}/fd")
    links = []
    for each in folder.iterdir():
        try:
            links.append(os.readlink(each))
        except FileNotFoundError:
            continue
    return [link for link in links if str(stage.folder / "spool") in link]


async def no_spools(stage: Stage) -> None:
    async with asyncio.timeout(5):
        while open_spools(stage):
            await asyncio.sleep(0.02)
    assert not list((stage.folder / "spool").glob("*")), "a spool has a name"


@pytest.fixture
async def roomy(tmp_path: Path) -> Any:
    async with running_stage(tmp_path, spool_dir=str(tmp_path / "spool"), upload_limit_bytes=200 * MIB) as stage:
        yield stage


# ---- the bytes


@pytest.mark.parametrize("place", ["before", "after"])
async def test_only_the_model_changes(roomy: Stage, place: str) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        parts = [file("file", wav(1.0)), field("language", "en"), field("response_format", "json")]
        parts.insert(0 if place == "before" else 2, field("model", model))
        body = form(*parts)
        said = await send(roomy, body)
        received = upstream.requests[0]

    assert (said.status, said.json()) == (200, TEXT)
    assert received.path == "/v1/audio/transcriptions"
    assert received.body == body.replace(model.encode(), b"upstream-model")
    assert received.headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"
    event = roomy.settled(said)
    assert (event.outcome, event.operation, event.usage_source) == (Outcome.OK, "transcription", UsageSource.REPORTED)
    assert event.usage is not None
    assert event.usage.media is not None
    assert event.usage.media.input_audio_ms == 2000
    assert event.cost_nanousd == 200_000, "two seconds at $0.006 a minute"


@pytest.mark.parametrize("name", ["upstream-model", "another-name"])
async def test_a_model_that_is_left_out_is_the_default_one(roomy: Stage, name: str) -> None:
    async with serving(answer({"created": 1, "data": []})) as upstream:
        await media_model(roomy, upstream, name=name)
        picture = form(file("image", b"png", "a.png", "image/png"))
        said = await roomy.ask("/v1/images/variations", picture, key=KEY, headers=[content_type()])

    assert said.status == 200
    assert upstream.requests[0].body == form(
        field("model", "upstream-model"), file("image", b"png", "a.png", "image/png")
    )
    assert roomy.settled(said).model_asked == name


async def test_a_form_in_chunks_goes_on_with_its_length(roomy: Stage) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        body = form(file("file", wav(20.0)), field("model", model))
        async with roomy.caller() as caller:
            head = request(PATH, None, key=KEY, headers=[content_type(), ("Transfer-Encoding", "chunked")])
            await caller.send(head.replace(b"Content-Length: 0\r\n", b""))
            pieces = [body[start : start + 70_000] for start in range(0, len(body), 70_000)]
            await caller.send(chunked(*pieces))
            said = await caller.answer()

    assert said.status == 200
    assert len(upstream.requests[0].body) == len(body) - len(model) + len("upstream-model")


async def test_a_hundred_megabytes_do_not_grow_the_relay(roomy: Stage) -> None:
    data = os.urandom(MIB) * 100
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        await send(roomy, form(file("file", wav(1.0)), field("model", model)))
        before = roomy.relay.rss_bytes()
        peaks: list[int] = []

        async def watch() -> None:
            while True:
                peaks.append(roomy.relay.rss_bytes())
                await asyncio.sleep(0.01)

        watching = asyncio.create_task(watch())
        said = await send(roomy, form(file("file", data), field("model", model)))
        watching.cancel()
        received = upstream.requests[1].body

    assert said.status == 200
    assert received[received.index(b"\r\n\r\n") + 4 :].startswith(data)
    assert max(peaks) - before < 30 * MIB
    await no_spools(roomy)


async def test_another_deployment_gets_the_same_bytes(roomy: Stage) -> None:
    async with (
        serving(refusal("500 Internal Server Error")) as one,
        serving(refusal("503 Service Unavailable")) as two,
        serving(answer(TEXT)) as three,
    ):
        model = await media_model(roomy, one, two, three)
        said = await send(roomy, form(field("model", model), file("file", wav(30.0))))
        bodies = {upstream.requests[0].body for upstream in (one, two, three)}

    assert said.status == 200
    assert len(bodies) == 1
    assert said.headers["x-turnpike-attempts"] == "3"
    assert len(roomy.settled(said).abandoned) == 2
    await no_spools(roomy)


async def test_a_stale_connection_costs_no_attempt(roomy: Stage) -> None:
    async def then_close(wire: Wire, received: Received) -> None:
        await wire.write(answer(TEXT))
        wire.close()

    async with serving(then_close, answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        body = form(field("model", model), file("file", wav(30.0)))
        first, second = await send(roomy, body), await send(roomy, body)

    assert (first.status, second.status, second.headers["x-turnpike-attempts"]) == (200, 200, "1")


# ---- slow and broken sides


async def test_a_slow_provider_is_sent_no_more_than_it_takes(roomy: Stage) -> None:
    taken: list[int] = []

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raw = await reader.readuntil(b"\r\n\r\n")
        left = int(raw.split(b"content-length: ")[1].split(b"\r\n")[0])
        while left:
            piece = await reader.read(min(left, MIB))
            left -= len(piece)
            taken.append(len(piece))
            await asyncio.sleep(0.01)
        writer.write(answer(TEXT))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0, limit=MIB)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        model = await roomy.model(url, dialect="openai_media")
        before = roomy.relay.rss_bytes()
        said = await send(roomy, form(file("file", os.urandom(40 * MIB)), field("model", model)))
    finally:
        server.close()

    assert said.status == 200
    assert sum(taken) > 40 * MIB
    assert roomy.relay.rss_bytes() - before < 30 * MIB


async def test_a_provider_that_answers_early_is_not_sent_the_rest(roomy: Stage) -> None:
    open_ends: list[asyncio.StreamWriter] = []

    async def early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal("413 Content Too Large", "Too long for me."))
        await writer.drain()
        await reader.read(1000)
        open_ends.append(writer)  # closed at once with so much unread, its reset may overtake the answer

    server = await asyncio.start_server(early, "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        model = await roomy.model(url, dialect="openai_media")
        said = await send(roomy, form(file("file", os.urandom(30 * MIB)), field("model", model)))
    finally:
        for end in open_ends:
            end.close()
        server.close()

    assert (said.status, said.message) == (413, "Too long for me.")
    assert await roomy.sample("turnpike_upstream_connections", "idle") == 0
    await no_spools(roomy)


async def test_a_caller_that_leaves_in_the_middle_leaves_nothing_behind(roomy: Stage) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        body = form(field("model", model), file("file", os.urandom(4 * MIB)))
        async with roomy.caller() as caller:
            await caller.send(request(PATH, body, key=KEY, headers=[content_type()])[: 3 * MIB])
            async with asyncio.timeout(5):
                while not open_spools(roomy):
                    await asyncio.sleep(0.01)
            caller.leave()
        await no_spools(roomy)

    assert not upstream.requests
    assert not roomy.settles()


async def test_a_caller_that_leaves_before_the_answer_is_charged_an_estimate(roomy: Stage) -> None:
    async def never(wire: Wire, received: Received) -> None:
        await wire.gone()

    async with serving(never) as upstream:
        model = await media_model(roomy, upstream)
        body = form(field("model", model), file("file", wav(60.0)))
        async with roomy.caller() as caller:
            await caller.send(request(PATH, body, key=KEY, headers=[content_type(), ("x-request-id", "gone-1")]))
            await upstream.asked()
            caller.leave()
        event = await roomy.will_settle("gone-1")
        await no_spools(roomy)

    assert (event.outcome, event.usage_source) == (Outcome.CANCELLED, UsageSource.ESTIMATED)
    assert event.usage is not None
    assert event.usage.input_audio_tokens == 600, "a minute in tokens of 100 ms"
    assert event.cost_nanousd


# ---- refused before the body


async def told_early(
    stage: Stage, *, key: str | None = KEY, kind: tuple[str, str] | None = None, size: int = MIB
) -> Answer:
    """The answer to a head whose body never comes."""
    async with stage.caller() as caller:
        head = request(PATH, None, key=key, headers=[kind or content_type(), ("Expect", "100-continue")])
        await caller.send(head.replace(b"Content-Length: 0", b"Content-Length: %d" % size))
        return await caller.answer(interim=True)


async def test_what_is_wrong_with_a_head_is_said_before_the_body(roomy: Stage) -> None:
    narrow = roomy.key(scopes=1)

    assert (await told_early(roomy)).status == 100
    assert (await told_early(roomy, key=None)).code == "UNAUTHENTICATED"
    assert (await told_early(roomy, key="tp-wrong")).code == "UNAUTHENTICATED"
    assert (await told_early(roomy, key="tp-wrong")).code == "UNAUTHENTICATED", "from memory, too"
    assert (await told_early(roomy, key=narrow)).code == "SCOPE_MISSING"
    assert (await told_early(roomy, kind=("Content-Type", "application/json"))).code == "UNSUPPORTED_MEDIA"
    assert (await told_early(roomy, kind=("Content-Type", "multipart/form-data"))).code == "INVALID_REQUEST"
    assert (await told_early(roomy, size=201 * MIB)).code == "BODY_TOO_LARGE"


async def test_a_body_sent_with_a_wrong_key_is_refused_all_the_same(roomy: Stage) -> None:
    for key in ("tp-wrong-2", "tp-wrong-2"):
        said = await send(roomy, form(field("model", "m"), file("file", os.urandom(3 * MIB))), key=key)
        assert said.code == "UNAUTHENTICATED"
    await no_spools(roomy)


async def test_the_invitation_comes_once_the_key_is_known(roomy: Stage) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        key = roomy.key()
        body = form(field("model", model), file("file", wav(1.0)))
        async with roomy.caller() as caller:
            raw = request(PATH, body, key=key, headers=[content_type(), ("Expect", "100-continue")])
            await caller.send(raw[: -len(body)])
            assert (await caller.answer(interim=True)).status == 100
            await caller.send(body)
            assert (await caller.answer()).status == 200
            again = await caller.ask(PATH, body, key=key, headers=[content_type()])

    assert again.status == 200, "on the same connection"


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ((field("model", "m"), field("model", "m"), file("file", b"x")), "model"),
        ((file("file", b"x"),), "model"),
        ((field("model", "m"),), "file"),
        ((field("model", "m"), field("file", "text")), "file"),
        ((field("model", "m"), file("file", b"x"), field("stream", "perhaps")), "stream"),
    ],
)
async def test_a_form_that_lacks_something_says_what(roomy: Stage, parts: tuple[bytes, ...], param: str) -> None:
    said = await send(roomy, form(*parts))

    assert (said.status, said.json()["error"]["param"]) == (400, param)


async def test_a_model_that_cannot_is_refused_by_name(roomy: Stage) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await roomy.model(upstream)
        said = await send(roomy, form(field("model", model), file("file", b"x")))

    assert (said.status, said.code) == (400, "UNSUPPORTED_OPERATION")


async def test_a_form_on_a_kept_connection_is_followed_by_other_requests(roomy: Stage) -> None:
    async with serving(answer(TEXT)) as upstream:
        model = await media_model(roomy, upstream)
        body = form(field("model", model), file("file", wav(1.0)))
        raw = request(PATH, body, key=KEY, headers=[content_type()])
        async with roomy.caller() as caller:
            await caller.send(raw + raw + request("/health", method="GET"))
            statuses = [(await caller.answer()).status for _ in range(3)]

    assert statuses == [200, 200, 200]
    assert len(upstream.requests) == 2


# ---- no room


async def test_without_room_the_answer_says_so(tmp_path: Path) -> None:
    async with (
        running_stage(tmp_path, spool_dir=str(tmp_path / "spool"), spool_limit_bytes=MIB) as stage,
        serving(answer(TEXT)) as upstream,
    ):
        model = await media_model(stage, upstream)
        large = form(field("model", model), file("file", os.urandom(2 * MIB)))
        said = await send(stage, large)
        assert (said.status, said.code, said.headers["retry-after"]) == (507, "STORAGE_FULL", "5")
        async with stage.caller() as caller:
            head = request(PATH, None, key=KEY, headers=[content_type(), ("Transfer-Encoding", "chunked")])
            await caller.send(head.replace(b"Content-Length: 0\r\n", b""), chunked(large)[: MIB + 500_000])
            assert (await caller.answer()).code == "STORAGE_FULL"
        small = form(field("model", model), file("file", wav(1.0)))
        assert (await send(stage, small)).status == 200
        assert (await send(stage, form(field("model", model), file("file", wav(20.0))))).status == 200, "room again"


async def test_a_full_disk_is_said(tmp_path: Path) -> None:
    async with running_stage(tmp_path, spool_dir=str(tmp_path / "spool")) as stage, serving(answer(TEXT)) as upstream:
        model = await media_model(stage, upstream)
        stage.relay.limit_files(2 * MIB)
        said = await send(stage, form(field("model", model), file("file", os.urandom(4 * MIB))))
        assert (said.status, said.code) == (507, "STORAGE_FULL")
        assert (await send(stage, form(field("model", model), file("file", wav(1.0))))).status == 200


async def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file")
    async with running_stage(tmp_path, spool_dir=str(tmp_path / "spool")) as stage, serving(answer(TEXT)) as upstream:
        model = await media_model(stage, upstream)
        said = await send(stage, form(field("model", model), file("file", os.urandom(MIB))))

    assert (said.status, said.code) == (507, "STORAGE_FULL")
