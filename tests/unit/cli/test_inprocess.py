import asyncio

import httpx2
import pytest

from turnpike.cli.inprocess import InProcess


async def answer(app) -> httpx2.Response:
    async with httpx2.AsyncClient(transport=InProcess(app), base_url="http://t") as http:
        return await http.post("/p?q=1", content=b"body")


async def test_a_request_reaches_the_application_whole():
    async def app(scope, receive, send):
        message = await receive()
        await send({"type": "http.response.start", "status": 201, "headers": [(b"x", b"y")]})
        seen = f"{scope['method']} {scope['path']} {scope['query_string'].decode()} {message['body'].decode()}"
        await send({"type": "http.response.body", "body": seen.encode()})

    response = await answer(app)
    assert (response.status_code, response.headers["x"], response.text) == (201, "y", "POST /p q=1 body")


async def test_an_answer_is_not_collected_before_it_is_read():
    sent = 0

    async def app(scope, receive, send):
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            sent += 1

    transport = InProcess(app)
    async with (
        httpx2.AsyncClient(transport=transport, base_url="http://t") as http,
        http.stream("GET", "/") as response,
    ):
        parts = response.aiter_raw()
        await anext(parts)
        await asyncio.sleep(0.05)
        assert sent < 20
        await parts.aclose()


async def test_a_fault_of_the_application_is_not_swallowed():
    async def app(scope, receive, send):
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        await answer(app)
