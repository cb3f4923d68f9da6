"""Each response of a realtime session counts, and is refused in the session when a limit is reached."""

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.integration.limits.conftest import Caller, caller
from tests.support.gateway import RunningGateway

MODEL = "realtime-limited"


async def _until(connection: ClientConnection, *kinds: str) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            event = json.loads(await connection.recv())
            if event["type"] in kinds:
                return event


async def _responses(gateway: RunningGateway, who: Caller, number: int) -> list[dict[str, Any]]:
    """How each of so many requests for a response ended."""
    url = f"{gateway.url.replace('http', 'ws', 1)}/v1/realtime?model={MODEL}"
    headers = {"authorization": f"Bearer {who.key}"}
    ends: list[dict[str, Any]] = []
    async with connect(url, additional_headers=headers, proxy=None) as connection:
        await _until(connection, "session.created")
        for place in range(number):
            await connection.send(json.dumps({"type": "response.create", "event_id": f"ask-{place}"}))
            ends.append(await _until(connection, "response.done", "error"))
    return ends


async def test_each_response_counts(gateway: RunningGateway) -> None:
    who = await asyncio.to_thread(
        caller, gateway, "talker", scopes=["models:read", "inference:text", "inference:audio"]
    )
    await asyncio.to_thread(gateway.add_model, "sim-openai", MODEL, "gpt-realtime-sim", capabilities=["realtime"])
    await asyncio.to_thread(who.limit, amount=2)
    await asyncio.to_thread(who.limit, resource="concurrency", amount=1)
    ends = await _responses(gateway, who, 3)

    assert [each["type"] for each in ends] == ["response.done", "response.done", "error"]
    assert "of this API key is reached" in ends[2]["error"]["message"]
    assert ends[2]["error"]["event_id"] == "ask-2"
