"""Stored answers: what `POST /v1/responses` and `POST /v1/chat/completions` with `store` made, read and deleted later.

Sources: OpenAI API reference, "Responses", "Chat completions".
"""

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
    found_: list[object] = []
    for event in answer.events:
        raw = event.partition(b"data: ")[2].strip()
        if raw.startswith(b"{"):
            data = msgspec.json.decode(raw)
            found_.append(data.get("response", data))
    return found_


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
