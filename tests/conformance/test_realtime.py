"""OpenAI's SDK in a realtime session through the gateway: text and sound, and a row of the ledger for each response."""

import asyncio
import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.gateway import RunningGateway, wait_for
from tests.support.sdks import Calls

MODEL, SLOW = "realtime-conformance", "realtime-slow"
PRICES = {"input": 4.0, "output": 16.0}


@pytest.fixture(scope="module", autouse=True)
def models(gateway: RunningGateway) -> None:
    for name, upstream in ((MODEL, "gpt-realtime-sim"), (SLOW, "sim/pace=200ms")):
        gateway.add_model("sim-openai", name, upstream, capabilities=["realtime"], price_override=PRICES)


@pytest.fixture
def client(one_kind: Calls) -> AsyncOpenAI:
    assert isinstance(one_kind.openai, AsyncOpenAI)
    return one_kind.openai


async def until(connection: Any, kind: str) -> list[Any]:
    """All events up to the first of a kind."""
    events: list[Any] = []
    async with asyncio.timeout(15):
        while not events or events[-1].type != kind:
            events.append(await connection.recv())
            assert events[-1].type != "error", events[-1]
    return events


async def say(connection: Any, text: str) -> None:
    await connection.conversation.item.create(
        item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    )


def rows(gateway: RunningGateway, request_id: str, wanted: int) -> list[dict[str, Any]]:
    found = wait_for(f"{wanted} rows", lambda: each if len(each := gateway.ledger_rows(request_id)) >= wanted else None)
    assert len(found) == wanted
    return sorted(found, key=lambda row: row["started_at"])


async def test_each_response_is_a_row(gateway: RunningGateway, client: AsyncOpenAI, request_id: str) -> None:
    async with client.realtime.connect(model=MODEL, extra_headers={"x-request-id": request_id}) as connection:
        await until(connection, "session.created")
        said: list[str] = []
        for words in ("one two three", "four"):
            await say(connection, words)
            await connection.response.create()
            events = await until(connection, "response.done")
            said.append("".join(each.delta for each in events if each.type == "response.output_text.delta"))
    first, second = rows(gateway, request_id, 2)

    assert said == ["You said: one two three", "You said: four"]
    assert (first["operation"], first["model_asked"], first["status"]) == ("realtime", MODEL, 200)
    assert (first["input_tokens"], first["output_tokens"], first["usage_source"]) == (3, 5, "reported")
    assert (second["input_tokens"], second["output_tokens"], second["cache_read_tokens"]) == (9, 3, 3)
    assert first["cost_nanousd"] == 3 * 4000 + 5 * 16000


async def test_sound_goes_both_ways(gateway: RunningGateway, client: AsyncOpenAI, request_id: str) -> None:
    async with client.realtime.connect(model=MODEL, extra_headers={"x-request-id": request_id}) as connection:
        await connection.session.update(session={"type": "realtime", "output_modalities": ["audio"]})
        await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(48_000)).decode())
        await connection.input_audio_buffer.commit()
        await connection.response.create()
        events = await until(connection, "response.done")
    (row,) = rows(gateway, request_id, 1)
    text = "You said: sound of 48000 bytes"

    heard = b"".join(base64.b64decode(each.delta) for each in events if each.type == "response.output_audio.delta")
    assert len(heard) == 64 * len(text)
    assert (row["input_tokens"], row["output_tokens"]) == (10, 6 + len(text))
    assert (row["input_audio_tokens"], row["output_audio_tokens"]) == (10, len(text))


async def test_an_answer_that_nobody_asked_for_is_a_row_too(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    """The provider heard the end of a sentence; and what was said is transcribed by another model."""
    listening: Any = {"turn_detection": {"type": "server_vad"}, "transcription": {"model": "gpt-4o-mini-transcribe"}}
    async with client.realtime.connect(model=MODEL, extra_headers={"x-request-id": request_id}) as connection:
        await connection.session.update(session={"type": "realtime", "audio": {"input": listening}})
        await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(9600)).decode())
        await connection.input_audio_buffer.commit()
        await until(connection, "response.done")
    found = rows(gateway, request_id, 2)

    assert {row["operation"] for row in found} == {"realtime", "transcription"}
    (heard,) = (row for row in found if row["operation"] == "transcription")
    assert (heard["model_asked"], heard["input_tokens"]) == ("gpt-4o-mini-transcribe", 2)
    assert heard["cost_nanousd"] is None, "a model that is not registered has no price"


async def test_a_caller_that_leaves_is_charged_what_it_heard(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    async with client.realtime.connect(model=SLOW, extra_headers={"x-request-id": request_id}) as connection:
        await say(connection, "a b c d e f g h i j k l")
        await connection.response.create()
        await until(connection, "response.output_text.delta")
    (row,) = rows(gateway, request_id, 1)

    assert (row["status"], row["usage_source"]) == (499, "estimated")
    assert row["input_tokens"] > 0
    assert row["output_tokens"] > 0
    assert row["cost_nanousd"] > 0


async def test_a_refused_response_is_a_row_without_a_cost(
    gateway: RunningGateway, client: AsyncOpenAI, request_id: str
) -> None:
    async with client.realtime.connect(model=MODEL, extra_headers={"x-request-id": request_id}) as connection:
        await connection.send(
            {"type": "response.create", "event_id": "e1", "response": {"metadata": {"refuse": "true"}}}
        )  # type: ignore[arg-type]
        async with asyncio.timeout(10):
            while (event := await connection.recv()).type != "error":
                pass
    (row,) = rows(gateway, request_id, 1)

    assert event.error.event_id == "e1"
    assert (row["status"], row["cost_nanousd"]) == (400, 0)


# ---- opening


def address(gateway: RunningGateway, model: str) -> str:
    return f"{gateway.url.replace('http', 'ws')}/v1/realtime?model={model}"


@pytest.fixture
def narrow_key(gateway: RunningGateway) -> str:
    return gateway.create_key("narrow", models=["something-else"])


async def test_a_browser_sends_its_key_as_a_subprotocol(gateway: RunningGateway, caller_key: str) -> None:
    offered: Any = ["realtime", f"openai-insecure-api-key.{caller_key}"]
    async with connect(address(gateway, MODEL), subprotocols=offered) as socket:
        assert socket.subprotocol == "realtime"
        assert '"session.created"' in str(await socket.recv())
        pong = await socket.ping(b"are you there")
        await asyncio.wait_for(pong, 5)
        await socket.close(4000, "that was all")
    calls = [call for call in gateway.simulator.calls() if call["path"] == "/v1/realtime"]
    assert caller_key[-4:] not in {call["key_hint"] for call in calls}


@pytest.mark.parametrize(
    ("model", "key", "status"), [(MODEL, "tp-wrong", 401), ("no-such-model", None, 404), ("", None, 400)]
)
async def test_what_is_wrong_is_said_before_the_session(
    gateway: RunningGateway, caller_key: str, model: str, key: str | None, status: int
) -> None:
    headers = {"authorization": f"Bearer {key or caller_key}"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address(gateway, model), additional_headers=headers):
            pass

    assert refused.value.response.status_code == status
    assert b'"error"' in (refused.value.response.body or b"")


async def test_a_model_that_the_key_may_not_use_is_refused(gateway: RunningGateway, narrow_key: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address(gateway, MODEL), additional_headers={"authorization": f"Bearer {narrow_key}"}):
            pass
    assert refused.value.response.status_code == 403


async def test_a_providers_refusal_reaches_the_caller(gateway: RunningGateway, caller_key: str) -> None:
    headers = {"authorization": f"Bearer {caller_key}", "x-sim-fault": "status=400"}
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address(gateway, MODEL), additional_headers=headers):
            pass
    assert refused.value.response.status_code == 400
    assert b"asked to fail" in (refused.value.response.body or b"")


async def test_a_message_that_is_no_event_is_answered_with_an_error(gateway: RunningGateway, caller_key: str) -> None:
    async with connect(address(gateway, MODEL), additional_headers={"authorization": f"Bearer {caller_key}"}) as socket:
        await socket.recv()
        await socket.send("no json")
        assert '"type":"error"' in str(await socket.recv())
        await socket.send('{"type":"session.update","session":{}}')
        assert "session.updated" in str(await socket.recv()), "the session goes on"


async def test_the_providers_end_ends_the_session_with_its_code(
    gateway: RunningGateway, caller_key: str, request_id: str
) -> None:
    headers = {"authorization": f"Bearer {caller_key}", "x-sim-fault": "cut=2", "x-request-id": request_id}
    async with connect(address(gateway, MODEL), additional_headers=headers) as socket:
        await socket.send('{"type":"response.create"}')
        async for _ in _until_closed(socket):
            pass
    (row,) = rows(gateway, request_id, 1)

    assert (socket.close_code, socket.close_reason) == (1011, "the simulator was asked to stop")
    assert row["usage_source"] == "estimated"


async def _until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    async with asyncio.timeout(10):
        try:
            while True:
                yield await socket.recv()
        except ConnectionClosed:
            return


@pytest.mark.parametrize("path", ["client_secrets", "sessions", "transcription_sessions", "calls"])
async def test_secrets_for_the_provider_are_not_given_out(gateway: RunningGateway, caller_key: str, path: str) -> None:
    answer = httpx2.post(
        f"{gateway.url}/v1/realtime/{path}", json={}, headers={"authorization": f"Bearer {caller_key}"}, timeout=10
    )
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "forbidden"


async def test_the_sdk_says_that_a_secret_is_refused(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        await client.realtime.client_secrets.create()
