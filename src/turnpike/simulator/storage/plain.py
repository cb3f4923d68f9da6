"""Objects that are only kept: vector stores with their files, assistants, threads, conversations, evals.

Sources: the sections of the OpenAI API reference of these names.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from turnpike.simulator.exchange import Answer, Call
from turnpike.simulator.storage.objects import answered, deleted, fields, found, no_path, operations, page
from turnpike.simulator.store import CREATED_S, Shelf


class Plain(msgspec.Struct, frozen=True):
    path: str
    prefix: str
    kind: str
    deleted: str
    extra: dict[str, Any]
    inside: dict[str, tuple[str, str]]
    """What lies below one: path to the prefix of its ids and its kind."""


_COUNTS = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
_PLAIN = (
    Plain(
        "/v1/vector_stores", "vs_", "vector_store", "vector_store.deleted",
        {"status": "completed", "usage_bytes": 0, "file_counts": _COUNTS, "last_active_at": CREATED_S},
        {"files": ("file-", "vector_store.file"), "file_batches": ("vsfb_", "vector_store.file_batch")},
    ),
    Plain("/v1/assistants", "asst_", "assistant", "assistant.deleted", {"tools": [], "instructions": None}, {}),
    Plain("/v1/threads", "thread_", "thread", "thread.deleted", {}, {"messages": ("msg_", "thread.message")}),
    Plain("/v1/conversations", "conv_", "conversation", "conversation.deleted", {}, {}),
    Plain("/v1/evals", "eval_", "eval", "eval.deleted", {}, {"runs": ("evalrun_", "eval.run")}),
)  # fmt: skip


def _handler(plain: Plain) -> Callable[[Call], Answer]:
    def handle(call: Call) -> Answer:
        shelf = call.store.shelf(plain.kind)
        name, _, tail = call.rest.partition("/")
        if not name:
            return _collection(call, shelf, plain.prefix, plain.kind, plain.extra)
        kept = found(shelf, name)
        if tail:
            return _inside(call, plain, name, tail)
        if call.method == "DELETE":
            return deleted(call, shelf, name, plain.deleted)
        kept.shown.update(fields(call))
        return answered(call, kept.shown)

    return handle


def _collection(call: Call, shelf: Shelf, prefix: str, kind: str, extra: dict[str, Any]) -> Answer:
    if call.method == "GET":
        return page(call, shelf)
    given = fields(call)
    # A file in a vector store is known by the file's own id.
    name = given.get("file_id") if prefix == "file-" else None
    shown = {"id": name or shelf.name(prefix), "object": kind, "created_at": CREATED_S, **extra, **given}
    return answered(call, shelf.put(shown).shown)


def _inside(call: Call, plain: Plain, owner: str, tail: str) -> Answer:
    word, _, name = tail.partition("/")
    if word == "search" and call.method == "POST":
        query = fields(call).get("query")
        return answered(
            call, {"object": "vector_store.search_results.page", "search_query": [query], "data": [], "has_more": False}
        )
    if word not in plain.inside:
        raise no_path(call)
    prefix, kind = plain.inside[word]
    shelf = call.store.shelf(f"{kind} of {owner}")
    if not name:
        return _collection(call, shelf, prefix, kind, {f"{plain.kind}_id": owner, "status": "completed"})
    kept = found(shelf, name)
    if call.method == "DELETE":
        return deleted(call, shelf, name, f"{kind}.deleted")
    return answered(call, kept.shown)


OPERATIONS = tuple(each for plain in _PLAIN for each in operations(plain.path, _handler(plain)))
