"""Whole answers of providers: cut anywhere, framed in every way, or not what they should be."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.http import CHAT, EMBEDDINGS, MESSAGES, Answer, request
from tests.support.relay_process import KEY, SECRET, Stage, chat_body, cost_nanousd, messages_body
from tests.support.upstream import (
    Received,
    Upstream,
    Wire,
    answer,
    completion,
    embeddings,
    message,
    refusal,
    serving,
)
from turnpike.contract.events import Outcome, UsageSource
from turnpike.wire.types.usage import Usage

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 200_000
SETTINGS = {"response_limit_bytes": LIMIT, "first_byte_timeout_s": 1.0, "read_timeout_s": 1.0}
BODY = json.dumps(completion("A whole answer.")).encode()
JSON = b"content-type: application/json\r\n"


def in_chunks(body: bytes, size: int, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    pieces = [body[place : place + size] for place in range(0, len(body), size)]
    return b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces) + b"0\r\n%b\r\n" % trailers


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"content-length: %d\r\n\r\n" % len(BODY)
CHUNKED = OK + JSON + b"transfer-encoding: chunked\r\n\r\n"
FORMS: dict[str, bytes] = {
    "plain": OK + JSON + LENGTH + BODY,
    "capital letters": OK + b"CONTENT-TYPE: application/json\r\nCONTENT-LENGTH: %d\r\n\r\n" % len(BODY) + BODY,
    "no space behind the colon": OK + b"Content-Length:%d\r\n\r\n" % len(BODY) + BODY,
    "no reason": b"HTTP/1.1 200 \r\n" + JSON + LENGTH + BODY,
    "keep-alive said": OK + b"connection: keep-alive\r\n" + JSON + LENGTH + BODY,
    "chunks": CHUNKED + in_chunks(BODY, 50),
    "one chunk": CHUNKED + in_chunks(BODY, 5000),
    "chunks with trailers": CHUNKED + in_chunks(BODY, 50, b"x-sum: 1\r\nx-other: 2\r\n"),
    "chunks with extensions": CHUNKED + in_chunks(BODY, 50, extension=b';a="b"'),
    "100 before": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + JSON + LENGTH + BODY,
    "103 before": b"HTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n" * 2 + OK + JSON + LENGTH + BODY,
    "gzip, not asked for": OK
    + JSON
    + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(gzip.compress(BODY, mtime=0))
    + gzip.compress(BODY, mtime=0),
    "deflate in chunks": CHUNKED[:-2] + b"Content-Encoding: deflate\r\n\r\n" + in_chunks(zlib.compress(BODY), 20),
    "identity": OK + JSON + b"content-encoding: identity\r\n" + LENGTH + BODY,
    "closing": OK + JSON + b"connection: close\r\n" + LENGTH + BODY,
    "until the end": OK + JSON + b"\r\n" + BODY,
    "until the end, closing": OK + JSON + b"connection: close\r\n\r\n" + BODY,
    "HTTP/1.0 until the end": b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n" + BODY,
    "HTTP/1.0 with a length": b"HTTP/1.0 200 OK\r\n" + JSON + LENGTH + BODY,
}
ENDS = {"closing", "until the end", "until the end, closing", "HTTP/1.0 until the end", "HTTP/1.0 with a length"}


@asynccontextmanager
async def asked_of(stage: Stage, *steps, dialect: str = "openai_chat") -> AsyncIterator[tuple[Upstream, str]]:
    async with serving(*steps) as upstream:
        yield upstream, await stage.model(upstream, dialect=dialect)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def framed(stage: Stage) -> AsyncIterator[tuple[Upstream, str]]:
    async with asked_of(stage, b"") as made:
        yield made


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(form=st.sampled_from(sorted(FORMS)), data=st.data())
async def test_an_answer_is_the_same_however_it_is_framed_and_cut(
    stage: Stage, framed: tuple[Upstream, str], form: str, data: st.DataObject
) -> None:
    raw = FORMS[form]
    places = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4), label="cuts"))
    pieces = [raw[start:end] for start, end in zip([0, *places], [*places, len(raw)], strict=True)]

    async def say(wire: Wire, received: Received) -> None:
        for piece in pieces:
            await wire.write(piece)
            await asyncio.sleep(0.002)
        if form in ENDS:
            wire.close()

    upstream, model = framed
    upstream.steps, before = [say], upstream.connections
    async with stage.caller() as caller:
        for _ in range(2):
            answered = await caller.ask(CHAT, chat_body(model), key=KEY)
            assert (answered.status, answered.body) == (200, BODY)
            assert answered.headers["x-turnpike-cost"] == "0.000013000"
            assert "content-encoding" not in answered.headers
            assert "x-sum" not in answered.headers
        assert upstream.connections - before in ({1, 2} if form in ENDS else {0, 1})


async def test_fields_that_nobody_knows_survive_both_ways(stage: Stage) -> None:
    strange = answer({**completion(), "vendor_extra": {"a": [1.0, None, "\u20ac"]}})
    async with asked_of(stage, strange) as (upstream, model):
        raw = b'{ "zebra" : [1e3] , "messages":[], "model"\n:\t"%b","\\u20ac":"\xe2\x82\xac" }' % model.encode()
        answered = await stage.ask(CHAT, raw)
        assert answered.body == strange.split(b"\r\n\r\n", 1)[1]
        assert upstream.requests[0].body == raw.replace(model.encode(), b"upstream-model")


async def test_what_an_answer_says_of_itself(stage: Stage) -> None:
    async with asked_of(stage, answer(completion(), "200 OK", "x-upstream: secret", "set-cookie: a=b")) as (_, model):
        answered = await stage.chat(model)
    assert answered.headers["content-type"] == "application/json"
    assert answered.headers["x-turnpike-provider"].startswith("provider-")
    assert answered.headers["x-turnpike-deployment"].startswith("deployment-")
    assert answered.headers["x-turnpike-attempts"] == "1"
    assert "x-upstream" not in answered.headers
    assert "set-cookie" not in answered.headers
    event = stage.settled(answered)
    assert event.usage == Usage(7, 3)
    assert event.cost_nanousd == cost_nanousd(Usage(7, 3))
    assert (event.outcome, event.usage_source) == (Outcome.OK, UsageSource.REPORTED)
    assert 0 < event.first_byte_us <= event.total_us


async def test_a_model_without_a_price_is_unpriced_not_free(stage: Stage) -> None:
    async with serving(answer(completion())) as upstream:
        answered = await stage.chat(await stage.model(upstream, rates=None, price_source=None))
    assert answered.status == 200
    assert "x-turnpike-cost" not in answered.headers
    assert stage.settled(answered).cost_nanousd is None
    assert stage.settled(answered).usage == Usage(7, 3)


async def test_an_answer_without_usage_is_estimated_and_says_so(stage: Stage) -> None:
    said = {name: value for name, value in completion("x" * 4000).items() if name != "usage"}
    async with asked_of(stage, answer(said)) as (_, model):
        answered = await stage.chat(model)
    event = stage.settled(answered)
    assert event.usage_source == UsageSource.ESTIMATED
    assert event.usage is not None
    assert event.usage.output_tokens >= 1000
    assert event.cost_nanousd == cost_nanousd(event.usage)


@pytest.mark.parametrize(
    ("path", "dialect", "said"),
    [
        (CHAT, "anthropic_messages", message("Hi.")),
        (MESSAGES, "openai_chat", completion("Hi.")),
        (MESSAGES, "anthropic_messages", message("Hi.")),
        (EMBEDDINGS, "openai_embeddings", embeddings()),
    ],
)
async def test_every_pair_of_dialects_is_answered_in_the_callers(
    stage: Stage, path: str, dialect: str, said: dict
) -> None:
    async with asked_of(stage, answer(said), dialect=dialect) as (upstream, model):
        body = {"model": model, "input": "x"} if path == EMBEDDINGS else messages_body(model)
        answered = await stage.ask(path, body)
        assert upstream.requests[0].json()["model"] == "upstream-model"
    assert answered.status == 200
    if path == EMBEDDINGS:
        assert answered.json()["data"][0]["embedding"] == [0.5, -0.5]
    elif path == CHAT:
        assert answered.json()["choices"][0]["message"]["content"] == "Hi."
        assert answered.json()["usage"]["total_tokens"] == 10
    else:
        assert answered.json()["content"] == [{"type": "text", "text": "Hi."}]
        assert answered.json()["usage"]["output_tokens"] == 3
    event = stage.settled(answered)
    assert event.usage is not None
    assert event.usage.input_tokens == 7
    assert event.served is not None
    assert event.served.dialect == dialect


# ---- what is no answer


async def then_close(wire: Wire, raw: bytes) -> None:
    await wire.write(raw)
    wire.close()


GARBAGE: dict[str, bytes] = {
    "no HTTP": b"hello\r\n\r\n",
    "binary": bytes(range(1, 200)),
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "HTTP/2": b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x80\0\4\0\1\0\0\0\5\0\xff\xff\xff",
    "a status that is no number": b"HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n",
    "two lengths": OK + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}x",
    "a length that is no number": OK + b"content-length: x\r\n\r\n{}",
    "length and chunks": OK + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a broken chunk": CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n",
    "no JSON": answer(b"<html>Bad Gateway</html>", content_type="text/html"),
    "half JSON": answer(BODY[:-20]),
    "an empty body": answer(b""),
    "204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "a redirect": answer(b"", "302 Found", "location: http://169.254.169.254/"),
    "206": answer(BODY, "206 Partial Content"),
    "101": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
    "gzip that is none": answer(b"{}", "200 OK", "content-encoding: gzip"),
    "brotli": answer(b"{}", "200 OK", "content-encoding: br"),
    "broken gzip in chunks": CHUNKED[:-2] + b"content-encoding: gzip\r\n\r\n" + in_chunks(b"x" * 100, 10),
    "a huge head": OK + b"".join(b"x-%d: %b\r\n" % (number, b"y" * 1000) for number in range(100)) + LENGTH + BODY,
    "a head without an end": OK + b"x-a: " + b"y" * 100_000,
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE.keys())
async def test_garbage_is_a_502_that_names_the_provider_and_nothing_of_it(stage: Stage, raw: bytes) -> None:
    await stage.policies(max_attempts=1)

    async def say(wire: Wire, received: Received) -> None:
        await wire.write(raw)
        await wire.gone()

    async with asked_of(stage, say) as (_, model):
        answered = await stage.chat(model)
    assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")
    assert "provider" in answered.message.lower()
    assert SECRET not in answered.body.decode()
    assert stage.settled(answered).outcome == Outcome.UPSTREAM_ERROR


async def test_an_answer_over_the_limit_is_not_kept_in_memory(stage: Stage) -> None:
    await stage.policies(max_attempts=1)
    written = 0

    async def much(wire: Wire, received: Received) -> None:
        nonlocal written
        await wire.write(CHUNKED)
        for _ in range(2000):
            await wire.write(b"%x\r\n%b\r\n" % (50_000, b"x" * 50_000))
            written += 50_000

    async with asked_of(stage, much) as (_, model):
        answered = await stage.chat(model)
        assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")
        assert str(LIMIT) in answered.message
        assert written < 50_000_000
    event = stage.settled(answered)
    assert event.usage_source == UsageSource.ESTIMATED, "the provider worked for it"


async def test_an_answer_that_unpacks_beyond_the_limit_is_refused(stage: Stage) -> None:
    await stage.policies(max_attempts=1)
    bomb = gzip.compress(b"x" * 50_000_000)
    for raw in (
        answer(bomb, "200 OK", "content-encoding: gzip"),
        CHUNKED[:-2] + b"content-encoding: gzip\r\n\r\n" + in_chunks(bomb, 1000),
    ):
        async with asked_of(stage, raw) as (_, model):
            answered = await stage.chat(model)
        assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")


@pytest.mark.parametrize("cut", [0, 10, 60, len(OK + JSON + LENGTH) + 5, -1])
async def test_an_answer_that_breaks_off_is_a_502(stage: Stage, cut: int) -> None:
    await stage.policies(max_attempts=1)

    async def say(wire: Wire, received: Received) -> None:
        await then_close(wire, FORMS["plain"][:cut])

    async with asked_of(stage, say) as (_, model):
        answered = await stage.chat(model)
    assert answered.status == 502
    assert answered.code in {"UPSTREAM_CUT", "UPSTREAM_UNREACHABLE"}


async def test_a_chunked_answer_that_breaks_off_is_never_taken_for_whole(stage: Stage) -> None:
    await stage.policies(max_attempts=1)

    async def say(wire: Wire, received: Received) -> None:
        await then_close(wire, FORMS["one chunk"][:-5])

    async with asked_of(stage, say) as (_, model):
        answered = await stage.chat(model)
    assert (answered.status, answered.code) == (502, "UPSTREAM_CUT")


async def test_a_provider_that_never_answers_is_a_504(stage: Stage) -> None:
    await stage.policies(max_attempts=1)

    async def silent(wire: Wire, received: Received) -> None:
        await wire.gone()

    async with asked_of(stage, silent) as (_, model):
        answered = await stage.chat(model)
    assert (answered.status, answered.code) == (504, "UPSTREAM_TIMEOUT")
    assert stage.settled(answered).usage_source == UsageSource.ESTIMATED


async def test_a_provider_that_stops_in_the_middle_is_a_504(stage: Stage) -> None:
    await stage.policies(max_attempts=1)

    async def half(wire: Wire, received: Received) -> None:
        await wire.write(FORMS["plain"][:-10])
        await wire.gone()

    async with asked_of(stage, half) as (_, model):
        answered = await stage.chat(model)
    assert (answered.status, answered.code) == (504, "UPSTREAM_TIMEOUT")


async def test_a_slow_answer_that_goes_on_may_take_its_time(stage: Stage) -> None:
    raw = FORMS["plain"]

    async def slow(wire: Wire, received: Received) -> None:
        for place in range(0, len(raw), 60):
            await wire.write(raw[place : place + 60])
            await asyncio.sleep(0.25)

    async with asked_of(stage, slow) as (_, model):
        assert (await stage.chat(model)).body == BODY


# ---- what providers refuse


async def refused(stage: Stage, raw: bytes, path: str = CHAT) -> Answer:
    await stage.policies(max_attempts=1)
    async with asked_of(stage, raw) as (_, model):
        return await stage.ask(path, messages_body(model))


@pytest.mark.parametrize("status", ["400 Bad Request", "402 Payment Required", "404 Not Found", "422 No", "418 Tea"])
async def test_a_refusal_is_told_with_its_status_and_words(stage: Stage, status: str) -> None:
    answered = await refused(stage, refusal(status, "The image is too blurred."))
    assert str(answered.status) == status[:3]
    assert answered.json()["error"]["message"] == "The image is too blurred."
    assert answered.json()["error"]["code"] == "refused"
    assert answered.code == "UPSTREAM_REFUSED"
    assert stage.settled(answered).cost_nanousd == 0


async def test_a_refusal_is_told_in_the_callers_form(stage: Stage) -> None:
    answered = await refused(stage, refusal("400 Bad Request", "Too blurred."), MESSAGES)
    assert answered.json()["type"] == "error"
    assert answered.json()["error"] == {"type": "invalid_request_error", "message": "Too blurred."}


@pytest.mark.parametrize("shown", [SECRET, "sk-upst***************7777", f"Bearer {SECRET}", "sk-another-key-1234567"])
async def test_no_credential_comes_with_a_refusal(stage: Stage, shown: str) -> None:
    answered = await refused(stage, refusal("401 Unauthorized", f"Incorrect API key provided: {shown}."))
    assert answered.status == 401
    assert "7777" not in answered.body.decode()
    assert "sk-" not in answered.body.decode()
    assert answered.message.startswith("Incorrect")


async def test_a_refusal_in_html_is_still_an_error_in_json(stage: Stage) -> None:
    answered = await refused(stage, answer(b"<html>" + b"x" * 50_000, "503 Unavailable", content_type="text/html"))
    assert answered.status == 503
    assert len(answered.message) < 2000


async def test_retry_after_of_a_refusal_reaches_the_caller(stage: Stage) -> None:
    answered = await refused(stage, refusal("429 Too Many Requests", "Slow.", "retry-after: 17"))
    assert (answered.status, answered.headers["retry-after"]) == (429, "17")


# ---- kept connections


async def test_a_stale_connection_is_replaced_without_a_new_attempt(stage: Stage) -> None:
    """The provider closes a kept connection just when the next request is sent on it."""

    async def close_on_request(wire: Wire, received: Received) -> None:
        wire.close()

    good = answer(completion())
    async with asked_of(stage, good, close_on_request, good) as (upstream, model):
        assert (await stage.chat(model)).status == 200
        answered = await stage.chat(model)
        assert answered.status == 200
        assert answered.headers["x-turnpike-attempts"] == "1"
        assert [received.connection for received in upstream.requests] == [1, 1, 2]
    assert len(stage.opens(answered.headers["x-request-id"])) == 1


async def test_a_new_connection_that_closes_is_a_failure_not_a_stale_one(stage: Stage) -> None:
    async def close_on_request(wire: Wire, received: Received) -> None:
        wire.close()

    good = answer(completion())
    await stage.policies(max_attempts=1)
    async with asked_of(stage, good, close_on_request) as (upstream, model):
        assert (await stage.chat(model)).status == 200
        answered = await stage.chat(model)
        assert (answered.status, answered.code) == (502, "UPSTREAM_UNREACHABLE")
        assert len(upstream.requests) == 3


async def test_a_connection_that_the_provider_closed_while_idle_is_not_used(stage: Stage) -> None:
    closed = asyncio.Event()

    async def answer_and_close(wire: Wire, received: Received) -> None:
        await wire.write(answer(completion()))
        wire.close()
        await wire.writer.wait_closed()
        closed.set()

    async with asked_of(stage, answer_and_close) as (upstream, model):
        for _ in range(3):
            closed.clear()
            assert (await stage.chat(model)).status == 200
            await closed.wait()
            await asyncio.sleep(0.02)
        assert upstream.connections == 3


async def test_bytes_that_nobody_asked_for_never_become_an_answer(stage: Stage) -> None:
    """What a provider says on an idle connection must not be read as the answer to the next caller's request."""
    said = asyncio.Event()

    async def say_more(wire: Wire, received: Received) -> None:
        await wire.write(answer(completion("first")))
        await asyncio.sleep(0.05)
        await wire.write(answer(completion("poison")))
        said.set()

    async with asked_of(stage, say_more, answer(completion("second"))) as (upstream, model):
        assert b"first" in (await stage.chat(model)).body
        await said.wait()
        await asyncio.sleep(0.02)
        assert b"second" in (await stage.chat(model)).body
        assert upstream.connections == 2


@pytest.mark.parametrize("form", ["plain", "chunks"])
@pytest.mark.parametrize("more", [answer(completion("poison")), b"garbage", b"H", answer(b"{}", "400 No")])
async def test_bytes_behind_an_answer_are_no_part_of_it(stage: Stage, form: str, more: bytes) -> None:
    await stage.policies(max_attempts=1)
    async with asked_of(stage, FORMS[form] + more, answer(completion("second"))) as (upstream, model):
        answered = await stage.chat(model)
        if answered.status == 200:
            assert answered.body == BODY
        else:
            assert (answered.status, answered.code) == (502, "UPSTREAM_GARBAGE")
        await asyncio.sleep(0.02)
        assert b"second" in (await stage.chat(model)).body
        assert upstream.connections == 2


async def test_a_connection_whose_caller_left_is_not_used_again(stage: Stage) -> None:
    release = asyncio.Event()

    async def late(wire: Wire, received: Received) -> None:
        await release.wait()
        await wire.write(answer(completion("for somebody else")))

    async with asked_of(stage, late, answer(completion("mine"))) as (upstream, model):
        async with stage.caller() as caller:
            await caller.send(request(CHAT, chat_body(model), key=KEY, headers=[("X-Request-Id", "left-1")]))
            await upstream.asked()
            caller.leave()
        await stage.will_settle("left-1")
        release.set()
        assert b"mine" in (await stage.chat(model)).body
        assert upstream.connections == 2
    event = stage.settles("left-1")[0]
    assert (event.outcome, event.status, event.usage_source) == (Outcome.CANCELLED, 499, UsageSource.ESTIMATED)
