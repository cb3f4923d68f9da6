"""Requests that are wrong, or that two readers might understand differently: refused, and never carried on.

What one reader takes for a body another may take for a request of its own ("request smuggling"); so whatever is not
plainly one request gets one error and an end of the connection, and no provider hears of it.
"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.support.http import CHAT, request
from tests.support.relay_process import KEY, Stage
from tests.support.upstream import Upstream, answer, completion, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

SMUGGLED = request(CHAT, {"model": "smuggled", "messages": []}, key=KEY)
START = f"POST {CHAT} HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer {KEY}\r\n".encode()
BODY = b'{"model":"MODEL","messages":[{"role":"user","content":"Hello"}]}'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNK = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)

FRAMING: dict[str, bytes] = {
    "length and chunked": START + LENGTH + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "chunked and length": START + b"Transfer-Encoding: chunked\r\n" + LENGTH + b"\r\n" + CHUNK,
    "length 0 and chunked": START + b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "length of four and chunked": START + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "two lengths that differ": START + LENGTH + b"Content-Length: 5\r\n\r\n" + BODY,
    "two lengths that are equal": START + LENGTH + LENGTH + b"\r\n" + BODY,
    "a list of lengths": START + b"Content-Length: %d, %d\r\n\r\n" % (len(BODY), len(BODY)) + BODY,
    "a length with a plus": START + b"Content-Length: +%d\r\n\r\n" % len(BODY) + BODY,
    "a length with a minus": START + b"Content-Length: -%d\r\n\r\n" % len(BODY) + BODY,
    "a length with a space inside": START + b"Content-Length: 1 0\r\n\r\n" + BODY,
    "a hexadecimal length": START + b"Content-Length: 0x10\r\n\r\n" + BODY,
    "a length with a letter": START + b"Content-Length: 10a\r\n\r\n" + BODY,
    "a length with a point": START + b"Content-Length: 10.0\r\n\r\n" + BODY,
    "an empty length": START + b"Content-Length: \r\n\r\n" + BODY,
    "a length in digits of another script": START + "Content-Length: ٣\r\n\r\n".encode() + BODY,
    "a length beyond 64 bits": START + b"Content-Length: 18446744073709551617\r\n\r\n" + BODY,
    "a space before the colon": START + b"Content-Length : %d\r\n\r\n" % len(BODY) + BODY,
    "a tab before the colon": START + b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNK,
    "xchunked": START + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNK,
    "identity": START + b"Transfer-Encoding: identity\r\n\r\n" + CHUNK,
    "chunked, identity": START + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNK,
    "chunked, chunked": START + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNK,
    "chunked and then gzip": START + b"Transfer-Encoding: chunked, gzip\r\n\r\n" + CHUNK,
    "two transfer encodings": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + CHUNK,
    "chunked twice": START + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "chunked in quotes": START + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNK,
    "chunked behind a vertical tab": START + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNK,
    "chunked with a NUL": START + b"Transfer-Encoding: chunked\0\r\n\r\n" + CHUNK,
    "chunked on a folded line": START + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + CHUNK,
    "a length on a folded line": START + b"Content-Length:\r\n %d\r\n\r\n" % len(BODY) + BODY,
    "a folded header": START + b"X-Note: one\r\n two\r\n" + LENGTH + b"\r\n" + BODY,
    "a folded first header": b"POST %b HTTP/1.1\r\n Host: x\r\n" % CHAT.encode() + LENGTH + b"\r\n" + BODY,
    "chunked in HTTP/1.0": START.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK,
    "a line ended by LF": START + b"X-Note: one\n" + LENGTH + b"\r\n" + BODY,
    "all lines ended by LF": (START + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "a head ended by LF": START + LENGTH + b"\n" + BODY,
    "a line ended by CR": START + b"X-Note: one\rX-Other: two\r\n" + LENGTH + b"\r\n" + BODY,
    "CR CR LF": START + b"X-Note: one\r\r\n" + LENGTH + b"\r\n" + BODY,
    "a NUL in a value": START + b"X-Note: a\0b\r\n" + LENGTH + b"\r\n" + BODY,
    "a NUL in a name": START + b"X-\0Note: a\r\n" + LENGTH + b"\r\n" + BODY,
    "a control character in a name": START + b"X-\x01Note: a\r\n" + LENGTH + b"\r\n" + BODY,
    "a name with a space": START + b"X Note: a\r\n" + LENGTH + b"\r\n" + BODY,
    "no name": START + b": a\r\n" + LENGTH + b"\r\n" + BODY,
    "no colon": START + b"XNote\r\n" + LENGTH + b"\r\n" + BODY,
    "a space before a header": START + b" X-Note: a\r\n" + LENGTH + b"\r\n" + BODY,
    "a chunk size with a sign": START + b"Transfer-Encoding: chunked\r\n\r\n+" + CHUNK,
    "a chunk size with 0x": START + b"Transfer-Encoding: chunked\r\n\r\n0x" + CHUNK,
    "a chunk size with a space before it": START + b"Transfer-Encoding: chunked\r\n\r\n " + CHUNK,
    "a chunk size that is no number": START + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + CHUNK,
    "an empty chunk size": START + b"Transfer-Encoding: chunked\r\n\r\n\r\n" + CHUNK,
    "a chunk size beyond 64 bits": START + b"Transfer-Encoding: chunked\r\n\r\n1" + b"0" * 17 + b"\r\n" + CHUNK,
    "a chunk shorter than its data": START
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY) - 3, BODY),
    "a chunk longer than its data": START
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY) + 1, BODY),
    "a chunk ended by LF": START + b"Transfer-Encoding: chunked\r\n\r\n%x\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "chunk data ended by LF": START + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\n0\r\n\r\n" % (len(BODY), BODY),
    "a chunk size ended by CR": START + b"Transfer-Encoding: chunked\r\n\r\n%x\r%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "a chunk extension with LF": START
    + b"Transfer-Encoding: chunked\r\n\r\n%x;a\nb\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
    "HTTP/0.9": b"GET /v1/models\r\n",
    "HTTP/0.9 with a length": b"POST /v1/chat/completions\r\n" + LENGTH + b"\r\n" + BODY,
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0",
    "HTTP/2.0": START.replace(b"1.1", b"2.0") + LENGTH + b"\r\n" + BODY,
    "HTTP/1.2": START.replace(b"1.1", b"1.2") + LENGTH + b"\r\n" + BODY,
    "HTTP/11.1": START.replace(b"1.1", b"11.1") + LENGTH + b"\r\n" + BODY,
    "http in small letters": START.replace(b"HTTP", b"http") + LENGTH + b"\r\n" + BODY,
    "a method in small letters": START.replace(b"POST", b"post") + LENGTH + b"\r\n" + BODY,
    "a method that nobody knows": START.replace(b"POST", b"SMUGGLE") + LENGTH + b"\r\n" + BODY,
    "a space in the path": START.replace(b"/v1/chat", b"/v1/ chat") + LENGTH + b"\r\n" + BODY,
    "a tab in the first line": START.replace(b" HTTP", b"\tHTTP") + LENGTH + b"\r\n" + BODY,
    "a space before the method": b" " + START + LENGTH + b"\r\n" + BODY,
    "TLS on a plain port": bytes.fromhex("160301020001000000") + b"\1" * 20,
    "binary": bytes(range(256)),
    "no host": START.replace(b"Host: gateway.test\r\n", b"") + LENGTH + b"\r\n" + BODY,
    "two hosts": START + b"Host: other.test\r\n" + LENGTH + b"\r\n" + BODY,
    "authority-form": START.replace(CHAT.encode(), b"gateway.test:80") + LENGTH + b"\r\n" + BODY,
    "CONNECT": b"CONNECT gateway.test:443 HTTP/1.1\r\nHost: gateway.test\r\n\r\n",
    "CONNECT to a path": START.replace(b"POST", b"CONNECT") + LENGTH + b"\r\n" + BODY,
    "CONNECT with an upgrade": START.replace(b"POST", b"CONNECT") + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    async with serving(answer(completion())) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model(stage: Stage, upstream: Upstream) -> str:
    await stage.model(upstream, name="smuggled")
    return await stage.model(upstream, name="MODEL")


@pytest.mark.parametrize("raw", FRAMING.values(), ids=FRAMING.keys())
async def test_what_is_not_plainly_one_request_is_refused_once(
    stage: Stage, upstream: Upstream, model: str, raw: bytes
) -> None:
    before = len(upstream.requests)
    async with stage.caller() as caller:
        await caller.send(raw + SMUGGLED)
        answered = await caller.answer()
        rest = await caller.rest()
    assert 400 <= answered.status < 500, answered
    assert rest == b"", "there was a second answer"
    assert len(upstream.requests) == before, "the provider was asked"


async def test_the_plain_request_passes(stage: Stage, upstream: Upstream, model: str) -> None:
    """What the cases above are made of is right without their faults."""
    async with stage.caller() as caller:
        await caller.send(START + LENGTH + b"\r\n" + BODY)
        assert (await caller.answer()).status == 200
        await caller.send(START + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNK)
        assert (await caller.answer()).status == 200
    assert [received.json()["model"] for received in upstream.requests[-2:]] == ["upstream-model"] * 2
