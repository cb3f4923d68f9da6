"""Realtime sessions as OpenAI holds them: `GET /v1/realtime?model=...` over WebSocket, without a model behind them.

A response says `You said: ...` in words, and as sound where the session's output is audio. A word is a token; 4,800
bytes of sound that were sent are one, and each spoken character is 64 bytes. With `turn_detection` a committed buffer
is answered unasked. Source: OpenAI's API reference, "Realtime".
"""

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import msgspec

from turnpike.simulator import tokens
from turnpike.simulator.calls import CallLog
from turnpike.simulator.dialects.openai import OPENAI
from turnpike.simulator.dialects.openai_audio import spoken
from turnpike.simulator.exchange import Refused
from turnpike.simulator.faults import FaultError, Faults, of_model, parse
from turnpike.simulator.performance import Message, Receive, Send

PATH = "/v1/realtime"
SOUND_TOKEN_BYTES = 4_800
"""A tenth of a second, as 16 bits at 24 kHz."""
_KEY_PROTOCOL = "openai-insecure-api-key."

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class _Over(Exception):
    """The session has ended, by whichever side."""


class Session:
    """One session. `serve` returns when it is over."""

    def __init__(self, model: str, faults: Faults, receive: Receive, send: Send) -> None:
        self._model = model
        self._faults = faults
        self._receive = receive
        self._send = send
        self._numbers = 0
        self._words: list[str] = []
        self._heard = 0
        """Tokens of the conversation so far, in words and in sound."""
        self._sound_tokens = self._cached = 0
        self._buffer = b""
        self._settings: dict[str, Any] = {"type": "realtime", "model": model, "output_modalities": ["text"]}

    async def serve(self) -> None:
        try:
            await self._say({"type": "session.created", "session": self._shown()})
            while True:
                await self._on(await self._next())
        except _Over:
            pass

    # ---- messages

    async def _next(self) -> dict[str, Any]:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                raise _Over
            try:
                event = _decode(message.get("text") or b"")
            except msgspec.DecodeError:
                event = None
            if isinstance(event, dict) and isinstance(event.get("type"), str):
                return event
            await self._complain(None, "The message is no event.")

    async def _say(self, event: dict[str, Any]) -> None:
        self._numbers += 1
        whole = {"event_id": f"event_sim{self._numbers}", **event}
        await self._send({"type": "websocket.send", "text": _encode(whole).decode()})

    async def _complain(self, event_id: str | None, message: str) -> None:
        error = {"type": "invalid_request_error", "code": "invalid_value", "message": message, "event_id": event_id}
        await self._say({"type": "error", "error": error})

    async def _on(self, event: dict[str, Any]) -> None:
        match event["type"]:
            case "session.update":
                self._settings |= event.get("session") or {}
                await self._say({"type": "session.updated", "session": self._shown()})
            case "conversation.item.create":
                await self._item(event.get("item") or {})
            case "input_audio_buffer.append":
                self._buffer += base64.b64decode(event.get("audio") or "")
            case "input_audio_buffer.commit":
                await self._commit()
            case "response.create":
                response = event.get("response") or {}
                if response.get("metadata") == {"refuse": "true"}:
                    await self._complain(event.get("event_id"), "The simulator was asked to refuse.")
                else:
                    await self._respond(response)
            case "response.cancel":
                pass  # what it would stop is over already
            case other:
                await self._complain(event.get("event_id"), f"There is no event '{other}'.")

    def _shown(self) -> dict[str, Any]:
        return {"id": "sess_sim", "object": "realtime.session", **self._settings, "model": self._model}

    # ---- what is said to it

    async def _item(self, item: dict[str, Any]) -> None:
        for part in item.get("content") or ():
            words: list[str] = str(part.get("text") or "").split()
            self._words = words
            self._heard += len(words)
        await self._say({"type": "conversation.item.added", "item": {"id": f"item_sim{self._numbers}", **item}})

    async def _commit(self) -> None:
        sound, self._buffer = self._buffer, b""
        if not sound:
            await self._complain(None, "The buffer is empty.")
            return
        counted = -(-len(sound) // SOUND_TOKEN_BYTES)
        self._sound_tokens += counted
        self._heard += counted
        self._words = ["sound", "of", str(len(sound)), "bytes"]
        item_id = f"item_sim{self._numbers}"
        await self._say({"type": "input_audio_buffer.committed", "item_id": item_id})
        listening = (self._settings.get("audio") or {}).get("input") or {}
        if listening.get("transcription"):
            usage = {"type": "tokens", "input_tokens": counted, "output_tokens": len(self._words)}
            usage |= {"total_tokens": counted + len(self._words), "input_token_details": {"audio_tokens": counted}}
            said = {"item_id": item_id, "content_index": 0, "transcript": " ".join(self._words), "usage": usage}
            await self._say({"type": "conversation.item.input_audio_transcription.completed", **said})
        if listening.get("turn_detection"):
            await self._respond({})

    # ---- what it says

    async def _respond(self, asked: dict[str, Any]) -> None:
        text = f"You said: {' '.join(self._words)}" if self._words else "You said nothing."
        modalities = asked.get("output_modalities") or self._settings["output_modalities"]
        number = self._numbers
        response: dict[str, Any] = {
            "id": f"resp_sim{number}_{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}",
            "object": "realtime.response",
            "status": "in_progress",
            "output_modalities": modalities,
            "usage": None,
        }
        await self._say({"type": "response.created", "response": response})
        sound = "audio" in modalities
        for place, event in enumerate(_deltas(text, response["id"], sound=sound)):
            await self._break_off(place)
            await self._say(event)
            if self._faults.pace_s:
                await asyncio.sleep(self._faults.pace_s)
        usage = self._usage(text, sound=sound)
        done = response | {"status": "completed", "usage": None if self._faults.no_usage else usage}
        await self._say({"type": "response.done", "response": done})

    async def _break_off(self, place: int) -> None:
        if self._faults.error_event == place:
            await self._complain(None, "The simulator was asked to fail.")
        if self._faults.cut == place:
            await self._send({"type": "websocket.close", "code": 1011, "reason": "the simulator was asked to stop"})
            raise _Over
        if self._faults.hang == place:
            while (await self._receive())["type"] != "websocket.disconnect":
                pass
            raise _Over

    def _usage(self, text: str, *, sound: bool) -> dict[str, Any]:
        words = tokens.count(text)
        spoken_tokens = len(text) if sound else 0
        cached = min(self._cached, self._heard)
        self._cached = self._heard
        usage = {
            "input_tokens": self._heard,
            "input_token_details": {
                "text_tokens": self._heard - self._sound_tokens,
                "audio_tokens": self._sound_tokens,
                "cached_tokens": cached,
                "cached_tokens_details": {"text_tokens": cached, "audio_tokens": 0},
            },
            "output_tokens": words + spoken_tokens,
            "output_token_details": {"text_tokens": words, "audio_tokens": spoken_tokens},
            "total_tokens": self._heard + words + spoken_tokens,
        }
        self._heard += words
        return usage


def _deltas(text: str, response_id: str, *, sound: bool) -> Iterator[dict[str, Any]]:
    common = {"response_id": response_id, "item_id": "item_out", "output_index": 0, "content_index": 0}
    for piece in tokens.pieces(text):
        if sound:
            data = base64.b64encode(spoken(piece)).decode()
            yield {"type": "response.output_audio.delta", **common, "delta": data}
            yield {"type": "response.output_audio_transcript.delta", **common, "delta": piece}
        else:
            yield {"type": "response.output_text.delta", **common, "delta": piece}
    if not sound:
        yield {"type": "response.output_text.done", **common, "text": text}


# ---- before a session


async def serve(scope: Message, receive: Receive, send: Send, api_key: str | None, log: CallLog) -> None:
    """An ASGI connection of the type `websocket`."""
    await receive()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = parse_qs(scope["query_string"].decode("latin-1"))
    model = (query.get("model") or [""])[0]
    specification = headers.get("x-sim-fault") or of_model(model)
    record = log.add(
        method="GET", path=scope["path"], headers=headers, body=b"", model=model, stream=True, fault=specification
    )
    refused: Refused | None = None
    faults = Faults()
    try:
        faults = parse(specification) if specification else faults
        refused = _refusal(scope, headers, model, api_key, faults)
    except FaultError as error:
        refused = Refused(f"The simulator cannot read this fault: {error}")
    record.status = refused.status if refused is not None else 101
    await asyncio.sleep(faults.latency_s)
    if refused is not None:
        await _refuse(refused, record.number, send)
        record.ended = "complete"
        return
    chosen = "realtime" if "realtime" in scope["subprotocols"] else None
    await send({"type": "websocket.accept", "subprotocol": chosen})
    await Session(model, faults, receive, send).serve()
    record.ended = "complete"


def _refusal(
    scope: Message, headers: dict[str, str], model: str, api_key: str | None, faults: Faults
) -> Refused | None:
    keys = [word[len(_KEY_PROTOCOL) :] for word in scope["subprotocols"] if word.startswith(_KEY_PROTOCOL)]
    if keys:
        headers = {**headers, "authorization": f"Bearer {keys[0]}"}
    if api_key is not None and not OPENAI.is_authorized(headers, api_key):
        return OPENAI.unauthorized()
    if scope["path"] != PATH:
        return Refused(f"Invalid URL (GET {scope['path']})", status=404)
    if faults.status is not None:
        return Refused(f"The simulator was asked to fail with status {faults.status}.", status=faults.status)
    if not model:
        return Refused("You must provide a model parameter.", param="model")
    if model.startswith("missing"):
        return Refused(f"The model `{model}` does not exist.", status=404, code="model_not_found")
    return None


async def _refuse(refused: Refused, number: int, send: Send) -> None:
    answer = OPENAI.error(refused, number)
    start = {"type": "websocket.http.response.start", "status": answer.status, "headers": answer.headers}
    await send(start)
    await send({"type": "websocket.http.response.body", "body": answer.body})
