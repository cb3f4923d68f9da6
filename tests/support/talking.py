"""A realtime session over a WebSocket, as a client has it."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect


async def until(connection: ClientConnection, *kinds: str) -> dict[str, Any]:
    """The next event of one of these types."""
    async with asyncio.timeout(15):
        while True:
            event = json.loads(await connection.recv())
            if event["type"] in kinds:
                return event


async def responses(url: str, key: str, model: str, number: int) -> list[dict[str, Any]]:
    """How each of so many requests for a response ended, in one session. `url` is the gateway's."""
    address = f"{url.replace('http', 'ws', 1)}/v1/realtime?model={model}"
    headers = {"authorization": f"Bearer {key}"}
    ends: list[dict[str, Any]] = []
    async with connect(address, additional_headers=headers, proxy=None) as connection:
        await until(connection, "session.created")
        for place in range(number):
            await connection.send(json.dumps({"type": "response.create", "event_id": f"ask-{place}"}))
            ends.append(await until(connection, "response.done", "error"))
    return ends
