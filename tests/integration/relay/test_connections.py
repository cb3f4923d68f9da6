"""A caller's connection: kept, pipelined, cut into reads anywhere; what is understood never depends on it."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, Answer, chunked, request
from tests.support.relay_process import KEY, Stage, chat_body
from tests.support.upstream import Received, Upstream, Wire, answer, completion, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def echo(wire: Wire, received: Received) -> None:
    """Says what was asked."""
    await wire.write(answer(completion(json.dumps([received.line, sorted(received.pairs), received.body.decode()]))))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(echo) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(stage: Stage, upstream: Upstream) -> str:
    return await stage.model(upstream, name="echo")


def text_of(answered: Answer) -> str:
    said = answered.json()
    return said["choices"][0]["message"]["content"] if "choices" in said else said["content"][0]["text"]


# ---- keeping and closing


async def test_a_connection_is_kept(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        for number in range(3):
            answered = await caller.ask(CHAT, chat_body(model, f"number {number}"), key=KEY)
            assert answered.status == 200
            assert f"number {number}" in text_of(answered)
            assert "connection" not in answered.headers


async def test_connection_close_is_obeyed(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        answered = await caller.ask(CHAT, chat_body(model), key=KEY, headers=[("Connection", "close")])
        assert answered.status == 200
        assert answered.headers["connection"] == "close"
        assert await caller.rest() == b""


async def test_connection_close_is_obeyed_in_any_spelling_and_list(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        await caller.ask(CHAT, chat_body(model), key=KEY, headers=[("Connection", "keep-alive, CLOSE")])
        assert await caller.rest() == b""


async def test_http_1_0_is_answered_and_closed(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        answered = await caller.ask(CHAT, chat_body(model), key=KEY, version="1.0")
        assert answered.status == 200
        assert await caller.rest() == b""


async def test_http_1_0_is_kept_when_asked_for(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        for _ in range(2):
            answered = await caller.ask(
                CHAT, chat_body(model), key=KEY, version="1.0", headers=[("Connection", "keep-alive")]
            )
            assert answered.status == 200


async def test_http_1_0_needs_no_host(stage: Stage, model: str) -> None:
    raw = request(CHAT, chat_body(model), key=KEY, version="1.0").replace(b"Host: gateway.test\r\n", b"")
    async with stage.caller() as caller:
        await caller.send(raw)
        assert (await caller.answer()).status == 200


async def test_the_absolute_form_is_taken_for_its_path(stage: Stage, model: str) -> None:
    answered = await stage.ask(f"http://somewhere.else{CHAT}", chat_body(model))
    assert answered.status == 200


# ---- pipelining


async def test_pipelined_requests_are_answered_in_order(stage: Stage, model: str) -> None:
    texts = [f"number {number}" for number in range(20)]
    async with stage.caller() as caller:
        await caller.send(b"".join(request(CHAT, chat_body(model, text), key=KEY) for text in texts))
        for text in texts:
            assert text in text_of(await caller.answer())


async def test_pipelined_errors_keep_their_place(stage: Stage, model: str) -> None:
    good = request(CHAT, chat_body(model), key=KEY)
    unknown = request(CHAT, chat_body("nothing"), key=KEY)
    nowhere = request("/v1/nowhere", {}, key=KEY)
    health = request("/health", method="GET")
    async with stage.caller() as caller:
        await caller.send(good + unknown + health + nowhere + good)
        assert [(await caller.answer()).status for _ in range(5)] == [200, 404, 200, 404, 200]


async def test_a_request_ahead_of_a_malformed_one_is_answered_first(stage: Stage, model: str) -> None:
    async with stage.caller() as caller:
        await caller.send(request(CHAT, chat_body(model, "first"), key=KEY) + b"BROKEN\r\n\r\n")
        first, second = await caller.answer(), await caller.answer()
        assert first.status == 200
        assert "first" in text_of(first)
        assert second.status == 400
        assert await caller.rest() == b""


async def test_a_request_ahead_of_one_that_is_too_large_is_answered_first(stage: Stage, model: str) -> None:
    large = request(CHAT, b"", key=KEY).replace(b"Content-Length: 0", b"Content-Length: 999999999999")
    async with stage.caller() as caller:
        await caller.send(request(CHAT, chat_body(model, "first"), key=KEY) + large)
        assert [(await caller.answer()).status for _ in range(2)] == [200, 413]
        assert await caller.rest() == b""


async def test_a_malformed_request_sent_while_another_is_answered_is_refused_in_its_turn(stage: Stage) -> None:
    release = asyncio.Event()

    async def slow(wire: Wire, received: Received) -> None:
        await release.wait()
        await wire.write(answer(completion("slow")))

    async with serving(slow) as upstream, stage.caller() as caller:
        await caller.send(request(CHAT, chat_body(await stage.model(upstream)), key=KEY))
        await upstream.asked()
        await caller.send(b"BROKEN\r\n\r\n")
        release.set()
        assert [(await caller.answer()).status for _ in range(2)] == [200, 400]


async def test_many_pipelined_requests_in_one_write_are_not_taken_for_a_large_head(stage: Stage, model: str) -> None:
    """More bytes than a head may have, and the last head is not whole when they come."""
    one = request(CHAT, chat_body(model, "x" * 500), key=KEY)
    count = 130 * 1024 // len(one)
    async with stage.caller() as caller:
        await caller.send(one * count + one[:100])
        await caller.send(one[100:])
        assert {(await caller.answer()).status for _ in range(count + 1)} == {200}


async def test_a_caller_who_reads_nothing_gets_no_further_answers_made(stage: Stage) -> None:
    """Answers wait in memory for a caller who does not take them: so one at a time."""
    big = answer(completion("x" * 30_000_000))
    async with serving(big) as upstream, stage.caller() as caller:
        body = chat_body(await stage.model(upstream))
        for _ in range(5):
            await caller.send(request(CHAT, body, key=KEY))
            await asyncio.sleep(0.05)
        await upstream.asked()
        await asyncio.sleep(0.3)
        assert len(upstream.requests) == 1
        assert [(await caller.answer()).status for _ in range(5)] == [200] * 5
        assert len(upstream.requests) == 5


# ---- expectations and upgrades


async def test_expect_100_continue_is_answered_before_the_body(stage: Stage, model: str) -> None:
    raw = request(CHAT, chat_body(model), key=KEY, headers=[("Expect", "100-continue")])
    head, body = raw.split(b"\r\n\r\n", 1)
    async with stage.caller() as caller:
        await caller.send(head + b"\r\n\r\n")
        assert (await caller.answer(interim=True)).status == 100
        await caller.send(body)
        assert (await caller.answer()).status == 200


async def test_expect_of_a_request_that_is_refused_gets_no_100(stage: Stage) -> None:
    raw = request(CHAT, b"x", headers=[("Expect", "100-continue")]).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
    async with stage.caller() as caller:
        await caller.send(raw)
        assert (await caller.answer(interim=True)).status == 401


async def test_http_1_0_is_sent_no_100(stage: Stage, model: str) -> None:
    """RFC 9110, 10.1.1."""
    async with stage.caller() as caller:
        await caller.send(request(CHAT, chat_body(model), key=KEY, version="1.0", headers=[("Expect", "100-continue")]))
        assert (await caller.answer(interim=True)).status == 200


async def test_another_expectation_is_refused(stage: Stage, model: str) -> None:
    answered = await stage.chat(model, headers=[("Expect", "tea")])
    assert answered.status == 400
    assert "100-continue" in answered.message


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_offer_of_http_2_is_declined(stage: Stage, model: str, version: str) -> None:
    offer = [("Connection", "Upgrade, HTTP2-Settings"), ("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAoAAA")]
    async with stage.caller() as caller:
        answered = await caller.ask(CHAT, chat_body(model, "offered"), key=KEY, headers=offer, version=version)
        assert answered.status == 200
        sent = text_of(answered)
        assert "offered" in sent
        assert "h2c" not in sent
        assert "HTTP2" not in sent.upper()
        if version == "1.1":
            assert (await caller.ask(CHAT, chat_body(model), key=KEY, headers=offer)).status == 200
        else:
            assert "transfer-encoding" not in answered.headers
            assert await caller.rest() == b""


async def test_an_offer_to_upgrade_with_the_body_in_later_reads(stage: Stage, model: str) -> None:
    raw = request(CHAT, chat_body(model, "late"), key=KEY, headers=[("Connection", "Upgrade"), ("Upgrade", "h2c")])
    head, body = raw.split(b"\r\n\r\n", 1)
    async with stage.caller() as caller:
        await caller.send(head + b"\r\n\r\n")
        await asyncio.sleep(0.05)
        await caller.send(body[:10])
        await asyncio.sleep(0.05)
        await caller.send(body[10:])
        assert "late" in text_of(await caller.answer())


# ---- what is understood does not depend on the connection

OTHER_KEY = "tp-another-usual-key1"
assert len(OTHER_KEY) == len(KEY), "a head that differs in nothing but the key is as long"
ID_1, ID_2 = "id-1", "id-2"
NOTES = (
    ("X-Note", "one"), ("X-Note", "two"), ("x-note", "one"), ("X-Note", "one "), ("X-Request-Id", ID_1),
    ("X-Request-Id", ID_2), ("Traceparent", "00-" + "a" * 32 + "-" + "b" * 16 + "-01"), ("Accept", "*/*"),
    ("X-Turnpike-User", "root"), ("Content-Type", "application/json"), ("Cookie", "a=b"), ("Expect", "teapots"),
)  # fmt: skip
PARTS: dict[str, st.SearchStrategy[Any]] = {
    "path": st.sampled_from([CHAT, CHAT, CHAT, MESSAGES, EMBEDDINGS, "/v1/nowhere", CHAT + "?beta=true"]),
    "key": st.sampled_from([KEY, KEY, OTHER_KEY, "tp-nobody"]),
    "twin": st.sampled_from(["one", "two"]),
    "notes": st.lists(st.sampled_from(NOTES), max_size=2, unique_by=lambda pair: pair[0].lower()),
    "form": st.sampled_from(["plain", "plain", "length first", "length first", "chunked", "leading zeros", "spaces"]),
    "version": st.sampled_from(["1.1"] * 8 + ["1.0"]),
}
TEXTS = st.sampled_from(["", "a", "ab", "abc", "x" * 1000, "\u20ac", "POST / HTTP/1.1\r\n\r\n"])


@st.composite
def sequences(draw: st.DrawFn) -> list[bytes]:
    """Requests of one connection: their heads are equal, differ in one part, or in all; their bodies in length and
    framing, and some are no JSON."""
    base = {name: draw(part) for name, part in PARTS.items()}
    made: list[bytes] = []
    for kind in draw(st.lists(st.sampled_from(["equal", "twin", "twin", "near", "other"]), min_size=2, max_size=6)):
        facts = dict(base)
        if kind == "twin":  # differs in a few letters, and in no length
            facts["twin"] = "two" if made and b"one" in made[-1] else "one"
        elif kind != "equal":
            changed = [draw(st.sampled_from(sorted(PARTS)))] if kind == "near" else sorted(PARTS)
            facts.update((name, draw(PARTS[name])) for name in changed)
        body = json.dumps(chat_body("echo", draw(TEXTS))).encode()
        if draw(st.integers(0, 9)) == 0:
            body = body[:-1]
        made.append(raw_request(body, **facts))
    return made


def raw_request(
    body: bytes, *, path: str, key: str, twin: str, notes: list[tuple[str, str]], form: str, version: str
) -> bytes:
    notes = [("X-Twin", twin), *notes]
    if version == "1.0":
        notes = [*notes, ("Connection", "keep-alive")]
        form = "plain"
    head, _, _ = request(path, body, key=key, headers=notes, version=version).partition(b"\r\n\r\n")
    length = b"Content-Length: %d" % len(body)
    match form:
        case "chunked":
            head = head.replace(length, b"Transfer-Encoding: chunked")
            middle = len(body) // 2
            body = chunked(body[:middle], body[middle:])
        case "leading zeros":
            head = head.replace(length, b"Content-Length: 00%d" % len(body))
        case "spaces":
            head = head.replace(length, b"Content-Length:   %d  " % len(body))
        case "length first":
            head = head.replace(b"\r\n" + length, b"").replace(b"Host:", length + b"\r\nHost:")
        case _:
            pass
    return head + b"\r\n\r\n" + body


def seen(answered: Answer) -> tuple[int, object]:
    """An answer without what differs from call to call."""
    said = answered.json()
    if answered.status == 200:
        line, pairs, body = json.loads(text_of(answered))
        kept = [pair for pair in pairs if pair[0] != "x-request-id" or pair[1].startswith("id-")]
        return answered.status, (line, kept, body)
    return answered.status, said["error"]["message"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sequence=sequences(), pipelined=st.sampled_from([False, False, True]), data=st.data())
async def test_requests_on_one_connection_are_understood_as_on_connections_of_their_own(
    stage: Stage, upstream: Upstream, model: str, sequence: list[bytes], pipelined: bool, data: st.DataObject
) -> None:
    stage.key(OTHER_KEY)
    alone: list[tuple[int, object]] = []
    for raw in sequence:
        async with stage.caller() as caller:
            await caller.send(raw)
            answered = await caller.answer()
            alone.append(seen(answered))
        if "connection" in answered.headers:
            sequence = sequence[: len(alone)]
            break
    before = len(upstream.requests)
    together: list[tuple[int, object]] = []
    async with stage.caller() as caller:
        for raw in [b"".join(sequence)] if pipelined else sequence:
            *before_last, last = cut(raw, data)
            for piece in before_last:
                await caller.send(piece)
                await asyncio.sleep(0.001)  # for a read of its own
            await caller.send(last)
            if not pipelined:
                together.append(seen(await caller.answer()))
        if pipelined:
            together = [seen(await caller.answer()) for _ in sequence]
    assert together == alone
    assert len(upstream.requests) - before == sum(status == 200 for status, _ in alone)


def cut(raw: bytes, data: st.DataObject) -> list[bytes]:
    if data.draw(st.sampled_from([True, True, False]), label="whole"):
        return [raw]
    body = raw.rindex(b"\r\n\r\n") + 4
    anywhere = st.integers(1, len(raw) - 1) | st.integers(min(body, len(raw) - 1), len(raw) - 1)
    places = sorted(data.draw(st.sets(anywhere, min_size=1, max_size=4), label="cuts"))
    return [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]


async def test_the_rest_of_a_request_is_never_taken_for_a_request(stage: Stage, upstream: Upstream, model: str) -> None:
    """Its body holds what came before as a request of its own, and arrives in a read that begins with just that."""
    first = request(CHAT, chat_body(model, "first"), key=KEY)
    around = json.dumps(chat_body(model, "outer")).encode()
    outer = request(CHAT, around + first + around, key=KEY)
    cut_at = outer.rindex(first)
    async with stage.caller() as caller:
        await caller.send(first)
        await caller.answer()
        before = len(upstream.requests)
        await caller.send(first + outer[:cut_at])
        assert (await caller.answer()).status == 200
        await caller.send(outer[cut_at : cut_at + len(first)])
        await asyncio.sleep(0.05)
        await caller.send(outer[cut_at + len(first) :])
        assert (await caller.answer()).status == 400, "the outer body is no JSON"
        assert len(upstream.requests) == before + 1
