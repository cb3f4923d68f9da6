"""Streams of either dialect, as providers say them and as callers read them."""

import json
from typing import Any

from tests.support.http import CHAT, MESSAGES
from tests.support.relay_process import chat_body, messages_body
from tests.support.upstream import chat_events, event, message_events
from turnpike.kit.sse import SseParser

WORDS = ["One", " road", " to", " every", " model."]
PAIRS = [(path, dialect) for path in (CHAT, MESSAGES) for dialect in ("openai_chat", "anthropic_messages")]
OPENAI_ENDS = event("[DONE]")
ANTHROPIC_ENDS = event({"type": "message_stop"}, "message_stop")


def events_of(dialect: str, words: list[str] = WORDS) -> list[bytes]:
    return chat_events(words) if dialect == "openai_chat" else message_events(words)


def body_for(path: str, model: str, **fields: Any) -> dict[str, Any]:
    fields = {"stream": True, **fields}
    return chat_body(model, **fields) if path == CHAT else messages_body(model, **fields)


def text_of(path: str, body: bytes) -> str:
    """What a caller reads in a stream."""
    text = ""
    for each in SseParser().feed(body):
        if each.data == "[DONE]":
            continue
        said = json.loads(each.data)
        if path == CHAT:
            text += "".join(choice["delta"].get("content") or "" for choice in said.get("choices", ()))
        elif said["type"] == "content_block_delta":
            text += said["delta"].get("text", "")
    return text


def ends_well(path: str, body: bytes) -> bool:
    return body.endswith(OPENAI_ENDS if path == CHAT else ANTHROPIC_ENDS)


def error_in(path: str, body: bytes) -> dict[str, Any] | None:
    """The error event that ends a stream."""
    events = SseParser().feed(body)
    if not events or events[-1].data == "[DONE]":
        return None
    last = json.loads(events[-1].data)
    if path == MESSAGES and events[-1].event == "error":
        assert last["type"] == "error"
    return last.get("error")
