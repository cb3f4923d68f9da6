"""Heads and bodies against their limits, content encodings, and bodies that are not what they should be."""

import gzip
import json
import zlib
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, chunked, request
from tests.support.relay_process import KEY, Stage, chat_body
from tests.support.upstream import Upstream, answer, completion, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY_LIMIT = 100_000
HEAD_LIMIT = 64 * 1024
SETTINGS = {"body_limit_bytes": BODY_LIMIT}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(answer(completion())) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(stage: Stage, upstream: Upstream) -> str:
    return await stage.model(upstream)


def body_of(model: str, size: int) -> bytes:
    """A chat request of exactly so many bytes."""
    empty = json.dumps(chat_body(model, "")).encode()
    return json.dumps(chat_body(model, "x" * (size - len(empty)))).encode()


# ---- heads


async def test_a_head_under_the_limit_passes(stage: Stage, model: str) -> None:
    answered = await stage.chat(model, headers=[("X-Note", "x" * (HEAD_LIMIT - 1000))])
    assert answered.status == 200


@pytest.mark.parametrize("note", [[("X-Note", "x" * HEAD_LIMIT)], [(f"X-{n}", "x" * 1000) for n in range(70)]])
async def test_a_head_over_the_limit_is_refused(stage: Stage, model: str, note: list[tuple[str, str]]) -> None:
    answered = await stage.chat(model, headers=note)
    assert (answered.status, answered.code) == (431, "HEAD_TOO_LARGE")
    assert str(HEAD_LIMIT) in answered.message


async def test_a_long_target_counts_to_the_head(stage: Stage, model: str) -> None:
    answered = await stage.ask(f"{CHAT}?{'x' * HEAD_LIMIT}", chat_body(model))
    assert answered.status == 431


async def test_a_head_without_an_end_is_refused_when_it_passes_the_limit(stage: Stage) -> None:
    async with stage.caller() as caller:
        await caller.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\n".encode())
        for _ in range(70):
            await caller.send(b"x-note: " + b"x" * 1000 + b"\r\n")
        answered = await caller.answer()
        assert answered.status == 431
        caller.leave()


async def test_a_header_without_an_end_is_refused_when_it_passes_the_limit(stage: Stage) -> None:
    async with stage.caller() as caller:
        await caller.send(f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nX-Note: ".encode())
        for _ in range(70):
            await caller.send(b"x" * 1000)
        assert (await caller.answer()).status == 431
        caller.leave()


# ---- bodies


async def test_a_body_of_the_limit_passes(stage: Stage, model: str) -> None:
    assert (await stage.ask(CHAT, body_of(model, BODY_LIMIT))).status == 200


async def test_a_body_over_the_limit_is_refused_by_its_length_alone(stage: Stage, model: str) -> None:
    raw = request(CHAT, body_of(model, BODY_LIMIT + 1), key=KEY)
    async with stage.caller() as caller:
        await caller.send(raw[: raw.index(b"\r\n\r\n") + 4])
        answered = await caller.answer()
    assert (answered.status, answered.code) == (413, "BODY_TOO_LARGE")
    assert str(BODY_LIMIT) in answered.message
    assert answered.headers["connection"] == "close"


async def test_a_body_in_chunks_is_refused_when_it_passes_the_limit(stage: Stage, model: str) -> None:
    head = request(CHAT, key=KEY).replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    async with stage.caller() as caller:
        await caller.send(head + chunked(body_of(model, BODY_LIMIT)))
        assert (await caller.answer()).status == 200
        whole = chunked(b"x" * 1000)[:-5]
        await caller.send(head, *[whole] * (BODY_LIMIT // 1000 + 1))
        assert (await caller.answer()).status == 413


async def test_who_sends_a_large_body_regardless_still_reads_the_refusal(stage: Stage, model: str) -> None:
    """Clients that write first and read then: the refusal must survive what they go on sending."""
    async with stage.caller() as caller:
        await caller.send(request(CHAT, b"x" * 20_000_000, key=KEY))
        answered = await caller.answer()
        assert answered.status == 413
        assert await caller.rest() == b""


async def test_the_limit_holds_for_a_head_that_came_before(stage: Stage, upstream: Upstream, model: str) -> None:
    async with stage.caller() as caller:
        assert (await caller.ask(CHAT, body_of(model, BODY_LIMIT), key=KEY)).status == 200
        before = len(upstream.requests)
        raw = request(CHAT, body_of(model, 120_000), key=KEY)
        await caller.send(raw)
        assert (await caller.answer()).status == 413
    assert len(upstream.requests) == before


async def test_a_body_of_a_caller_without_a_key_is_not_waited_for(stage: Stage, model: str) -> None:
    raw = request(CHAT, body_of(model, 1000))
    async with stage.caller() as caller:
        await caller.send(raw[: raw.index(b"\r\n\r\n") + 4])
        assert (await caller.answer()).status == 401


@pytest.mark.parametrize("path", [CHAT, MESSAGES, EMBEDDINGS])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"model": "x" "y"}', "at byte 14"),
        (b"[1, 2]", "body is not what it should be"),
        (b'"model"', "body is not what it should be"),
        (b'{"model": "\xff\xfe"}', "UTF-8"),
        (b'{"messages": []}', "`model` is required"),
        (b'{"model": 7, "messages": []}', "`model` is wrong"),
        (b'{"model": "a", "messages": [], "model": "b"}', "`model`"),
        (b'{"mod\\u0065l": "a", "messages": [], "model": "b"}', "`model`"),
        (b"[" * 50_000, ""),
    ],
    ids=lambda value: value[:24].decode("latin-1") if isinstance(value, bytes) else "",
)
async def test_a_body_that_is_not_what_it_should_be(
    stage: Stage, upstream: Upstream, model: str, path: str, body: bytes, words: str
) -> None:
    before = len(upstream.requests)
    async with stage.caller() as caller:
        answered = await caller.ask(path, body, key=KEY)
        assert answered.status == 400
        assert words in answered.message
        assert (await caller.ask(CHAT, chat_body(model), key=KEY)).status == 200, "the connection is as good as before"
    assert len(upstream.requests) == before + 1


async def test_the_position_of_bad_json_is_told(stage: Stage) -> None:
    answered = await stage.ask(CHAT, b'{"model": "a", oops}')
    assert (answered.status, answered.code) == (400, "INVALID_JSON")
    assert "at byte 15" in answered.message


# ---- content encodings


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("gzip", gzip.compress), ("GZIP", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress)],
)
async def test_an_encoded_body_is_decoded(stage: Stage, upstream: Upstream, model: str, encoding: str, encode) -> None:
    plain = json.dumps(chat_body(model, "packed")).encode()
    answered = await stage.ask(CHAT, encode(plain), headers=[("Content-Encoding", encoding)])
    assert answered.status == 200
    received = upstream.requests[-1]
    assert received.json()["messages"][0]["content"] == "packed"
    assert "content-encoding" not in received.headers


async def test_identity_is_no_encoding(stage: Stage, model: str) -> None:
    assert (await stage.chat(model, headers=[("Content-Encoding", "identity")])).status == 200


async def test_a_body_that_unpacks_beyond_the_limit_is_refused(stage: Stage) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < BODY_LIMIT
    answered = await stage.ask(CHAT, bomb, headers=[("Content-Encoding", "gzip")])
    assert (answered.status, answered.code) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "chunked"])
async def test_another_encoding_is_named_and_refused(stage: Stage, model: str, encoding: str) -> None:
    answered = await stage.chat(model, headers=[("Content-Encoding", encoding)])
    assert (answered.status, answered.code) == (415, "UNSUPPORTED_MEDIA")
    assert encoding in answered.message


@pytest.mark.parametrize("harm", ["not at all", "cut", "flipped"])
async def test_a_broken_encoding_is_refused(stage: Stage, model: str, harm: str) -> None:
    packed = gzip.compress(json.dumps(chat_body(model)).encode())
    sent = {"not at all": b"{}", "cut": packed[:-4], "flipped": packed[:-6] + b"\0" + packed[-5:]}[harm]
    answered = await stage.ask(CHAT, sent, headers=[("Content-Encoding", "gzip")])
    assert answered.status == 400
    assert "gzip" in answered.message
