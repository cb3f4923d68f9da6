"""Guards in a realtime session: each event is looked at, and what cannot be is refused in the session's own form."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.server import ServerConnection

from tests.integration.relay.test_realtime import CREATE, DONE, caller, model_at, providing, said
from tests.support.guarding import EMAIL, pii, policy
from tests.support.relay_process import Stage, running_stage
from turnpike.contract.events import GuardRecord, Outcome
from turnpike.contract.policies import BoundsSpec, GuardSpec

SOUND = base64.b64encode(bytes(960)).decode()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with running_stage(tmp_path) as running:
        yield running


def item(text: str) -> str:
    content = [{"type": "input_text", "text": text}]
    return said(type="conversation.item.create", event_id="e0", item={"type": "message", "content": content})


class Script:
    """A provider that keeps what it hears and answers each request with pieces of a text, or with sound."""

    def __init__(self, text: str = "", sound: str = "") -> None:
        self.heard: list[dict[str, Any]] = []
        self._text = text
        self._sound = sound

    async def __call__(self, socket: ServerConnection) -> None:
        async for message in socket:
            event = json.loads(message)
            self.heard.append(event)
            if event["type"] == "response.create":
                await self._respond(socket)

    async def _respond(self, socket: ServerConnection) -> None:
        await socket.send(said(type="response.created", response={"id": "r1", "status": "in_progress"}))
        place = {"response_id": "r1", "item_id": "i1", "output_index": 0, "content_index": 0}
        for at in range(0, len(self._text), 3):
            await socket.send(said(type="response.output_text.delta", **place, delta=self._text[at : at + 3]))
        if self._sound:
            await socket.send(said(type="response.output_audio.delta", **place, delta=self._sound))
        if self._text:
            await socket.send(said(type="response.output_text.done", **place, text=self._text))
        output = [{"id": "i1", "type": "message", "content": [{"type": "output_text", "text": self._text}]}]
        done = json.loads(DONE)
        done["response"]["output"] = output
        await socket.send(json.dumps(done))


async def until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """Everything up to an event of this type."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while not found or found[-1]["type"] != kind:
            found.append(json.loads(await socket.recv()))
    return found


def text_of(events: list[dict[str, Any]]) -> str:
    return "".join(each["delta"] for each in events if each["type"] == "response.output_text.delta")


async def test_texts_are_masked_in_both_directions(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(pii("mask"), media="allow"),))
    script = Script(f"write to {EMAIL}, " * 30)
    async with providing(script) as provider, caller(stage, await model_at(stage, provider)) as socket:
        await socket.send(said(type="session.update", session={"type": "realtime", "instructions": f"I am {EMAIL}"}))
        await socket.send(item(f"write to {EMAIL}"))
        await socket.send(said(type="response.create", response={"instructions": f"and {EMAIL}"}))
        events = await until(socket, "response.done")
    assert "@example.com" not in json.dumps(script.heard)
    assert [json.dumps(each).count("[EMAIL]") for each in script.heard] == [1, 1, 1]
    assert text_of(events) == "write to [EMAIL], " * 30
    assert "@example.com" not in json.dumps(events)
    records = [each for each in stage.relay.records() if isinstance(each, GuardRecord)]
    assert {(each.where, each.action) for one in records for each in one.decisions} == {
        ("prompt", "mask"),
        ("answer", "mask"),
    }


async def test_what_is_taken_out_of_what_is_said_comes_back_in_the_answer(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(pii("restore", "prompt")),))
    script = Script("to [EMAIL_1] it goes")
    async with providing(script) as provider, caller(stage, await model_at(stage, provider)) as socket:
        await socket.send(item(f"write to {EMAIL}"))
        await socket.send(CREATE)
        events = await until(socket, "response.done")
    assert "[EMAIL_1]" in json.dumps(script.heard[0])
    assert text_of(events) == f"to {EMAIL} it goes"


async def test_a_refused_event_is_told_in_the_sessions_form_and_is_in_the_ledger(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(pii("block", "prompt")),))
    script = Script("fine")
    async with providing(script) as provider, caller(stage, await model_at(stage, provider), "rt-7") as socket:
        await socket.send(item(f"write to {EMAIL}"))
        (error,) = await until(socket, "error")
        await socket.send(item("write to nobody"))
        await socket.send(CREATE)
        events = await until(socket, "response.done")
    assert (error["error"]["event_id"], error["error"]["code"]) == ("e0", "policy_refused")
    assert "house" in error["error"]["message"]
    assert EMAIL not in json.dumps(error)
    assert len(script.heard) == 2
    assert text_of(events) == "fine"
    settled = [(each.outcome, each.error_code) for each in stage.settles("rt-7")]
    assert settled == [(Outcome.REFUSED, "POLICY_REFUSED"), (Outcome.OK, None)]


async def test_a_response_that_is_blocked_is_cancelled_and_ends_as_a_filtered_one(stage: Stage) -> None:
    await stage.change(guard_policies=(policy(pii("block", "answer"), media="allow"),))
    script = Script("x" * 600 + f" {EMAIL} " + "y" * 600)
    async with providing(script) as provider, caller(stage, await model_at(stage, provider)) as socket:
        await socket.send(CREATE)
        events = await until(socket, "response.done")
        async with asyncio.timeout(5):
            while len(script.heard) < 2:
                await asyncio.sleep(0.01)
    assert "bob" not in json.dumps(events)
    assert "yyy" not in json.dumps(events)
    assert script.heard[1]["type"] == "response.cancel"
    assert [each["error"]["code"] for each in events if each["type"] == "error"] == ["policy_refused"]
    ended = events[-1]["response"]
    assert (ended["status"], ended["status_details"]["reason"]) == ("incomplete", "content_filter")


@pytest.mark.parametrize("closed", [True, False])
async def test_sound_that_nobody_can_hear_is_refused_unless_the_policy_allows_it(stage: Stage, closed: bool) -> None:
    media = "block" if closed else "allow"
    await stage.change(guard_policies=(policy(pii("mask"), media=media, fail_closed=closed),))
    script = Script(sound=SOUND)
    async with providing(script) as provider, caller(stage, await model_at(stage, provider)) as socket:
        await socket.send(said(type="input_audio_buffer.append", event_id="e5", audio=SOUND))
        await socket.send(CREATE)
        events = await until(socket, "response.done")
    told = [each["error"]["message"] for each in events if each["type"] == "error"]
    heard = [each["type"] for each in script.heard]
    sounds = [each for each in events if each["type"] == "response.output_audio.delta"]
    if closed:
        assert len(told) == 2
        assert "image, sound or file" in told[0]
        assert "output_modalities" in told[1]
        assert (heard, sounds) == (["response.create"], []) or heard[1:] == ["response.cancel"]
    else:
        assert (told, len(sounds)) == ([], 1)
        assert heard == ["input_audio_buffer.append", "response.create"]


async def test_bounds_hold_for_responses_and_a_policy_that_comes_later_holds_at_once(stage: Stage) -> None:
    script = Script("fine")
    async with providing(script) as provider, caller(stage, await model_at(stage, provider)) as socket:
        await socket.send(CREATE)
        await until(socket, "response.done")
        bounds = BoundsSpec(max_output_tokens=50, tools=False)
        guard = GuardSpec("t", "terms", "block", "prompt", terms=("bluebird",))
        await stage.change(guard_policies=(policy(guard, bounds=bounds),))
        await socket.send(said(type="response.create", response={"max_output_tokens": "inf"}))
        await until(socket, "response.done")
        await socket.send(said(type="session.update", session={"tools": [{"type": "function", "name": "f"}]}))
        (error,) = await until(socket, "error")
        await socket.send(item("Bluebird!"))
        await until(socket, "error")
    assert [each["type"] for each in script.heard] == ["response.create", "response.create"]
    assert script.heard[1]["response"]["max_output_tokens"] == 50
    assert "tools are not allowed" in error["error"]["message"]
