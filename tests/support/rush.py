"""Many plain calls in a short time, on kept connections, by a client that costs next to nothing."""

import asyncio
import json


async def rush(port: int, key: str, model: str, number: int, *, connections: int = 8) -> None:
    """All of them must be answered with 200."""
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello!"}]}).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    call = head.encode() + body
    left = number

    async def one_connection() -> None:
        nonlocal left
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while left > 0:
                left -= 1
                writer.write(call)
                answer = (await reader.readuntil(b"\r\n\r\n")).lower()
                assert answer.startswith(b"http/1.1 200 "), answer
                length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
        finally:
            writer.close()

    async with asyncio.timeout(120):
        await asyncio.gather(*(one_connection() for _ in range(connections)))
