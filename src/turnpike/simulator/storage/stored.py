"""Stored answers: what `POST /v1/responses` and `POST /v1/chat/completions` with `store` made, read and deleted later.

Sources: OpenAI API reference, "Responses", "Chat completions".
"""

from typing import Any

import msgspec

from turnpike.simulator.exchange import Answer, Call
from turnpike.simulator.storage.objects import answered, deleted, fields, found, no_path, operations, page

_BY_DEFAULT = {"/v1/responses": True, "/v1/chat/completions": False}


def remember(call: Call, answer: Answer) -> None:
    """Keeps an answer that its caller wanted stored. Each is another, though the same request gets the same text."""
    default = _BY_DEFAULT.get(call.path)
    if call.method != "POST" or default is None or answer.status != 200 or call.data is None:
        return
    wish = call.data.get("store")
    if not (default if wish is None else wish):
        return
    shelf = call.store.shelf(call.path)
    for data in _objects(answer):
        if isinstance(data, dict) and isinstance(data.get("id"), str) and data.get("object") in _KINDS:
            shelf.put(data)


_KINDS = frozenset(("response", "chat.completion"))


def _objects(answer: Answer) -> list[object]:
    if answer.events is None:
        return [msgspec.json.decode(answer.body)]
    raws = [event.partition(b"data: ")[2].strip() for event in answer.events]
    events: list[dict[str, Any]] = [msgspec.json.decode(raw) for raw in raws if raw.startswith(b"{")]
    chunks = [event for event in events if event.get("object") == "chat.completion.chunk"]
    if chunks:
        return [_put_together(chunks)]
    return [event.get("response") for event in events]


def _put_together(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The chat that a stream told piece by piece."""
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**chunks[0], "object": "chat.completion", "choices": [choice]}


def responses(call: Call) -> Answer:
    shelf = call.store.shelf("/v1/responses")
    name, _, tail = call.rest.partition("/")
    kept = found(shelf, name)
    if call.method == "DELETE" and not tail:
        return deleted(call, shelf, name, "response")
    if call.method == "POST" and tail == "cancel":
        return answered(call, kept.shown)
    if call.method == "GET" and tail == "input_items":
        return answered(call, {"object": "list", "data": [], "has_more": False, "first_id": None, "last_id": None})
    if call.method == "GET" and not tail:
        return answered(call, kept.shown)
    raise no_path(call)


def chats(call: Call) -> Answer:
    shelf = call.store.shelf("/v1/chat/completions")
    name, _, tail = call.rest.partition("/")
    if call.method == "GET" and not name:
        return page(call, shelf)
    kept = found(shelf, name)
    if call.method == "DELETE" and not tail:
        return deleted(call, shelf, name, "chat.completion.deleted")
    if call.method == "GET" and tail == "messages":
        messages = [choice["message"] for choice in kept.shown["choices"]]
        return answered(call, {"object": "list", "data": messages, "has_more": False})
    if call.method == "POST" and not tail:
        kept.shown["metadata"] = fields(call).get("metadata")
    return answered(call, kept.shown)


OPERATIONS = (
    *operations("/v1/responses", responses)[2:],
    *operations("/v1/chat/completions", chats)[1:],
)
