"""Each response of a realtime session counts, and is refused in the session when a limit is reached."""

import asyncio

from tests.integration.limits.conftest import caller
from tests.support.gateway import RunningGateway
from tests.support.talking import responses

MODEL = "realtime-limited"


async def test_each_response_counts(gateway: RunningGateway) -> None:
    who = await asyncio.to_thread(
        caller, gateway, "talker", scopes=["models:read", "inference:text", "inference:audio"]
    )
    await asyncio.to_thread(gateway.add_model, "sim-openai", MODEL, "gpt-realtime-sim", capabilities=["realtime"])
    await asyncio.to_thread(who.limit, amount=2)
    await asyncio.to_thread(who.limit, resource="concurrency", amount=1)
    ends = await responses(gateway.url, who.key, MODEL, 3)

    assert [each["type"] for each in ends] == ["response.done", "response.done", "error"]
    assert "of this API key is reached" in ends[2]["error"]["message"]
    assert ends[2]["error"]["event_id"] == "ask-2"
