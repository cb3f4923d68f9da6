"""Reading requests about stored objects, and the vendors' forms of lists and deletions."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from turnpike.simulator.dialects import anthropic, openai
from turnpike.simulator.exchange import Answer, Call, Operation, Refused, Vendor, json_answer
from turnpike.simulator.store import Object, Shelf

Handler = Callable[[Call], Answer]


def vendor(headers: dict[str, str]) -> Vendor:
    return anthropic.ANTHROPIC if "anthropic-version" in headers else openai.OPENAI


def operations(path: str, handler: Handler, methods: str = "POST GET DELETE") -> tuple[Operation, ...]:
    """A collection and everything below it, all answered by one handler."""
    found = [Operation(method, path, vendor, handler, needs_json=False) for method in methods.split()[:2]]
    found += [Operation(method, f"{path}/*", vendor, handler, needs_json=False) for method in methods.split()]
    return tuple(found)


def answered(call: Call, value: Any) -> Answer:
    return json_answer(value, vendor(call.headers).headers(call.number))


def fields(call: Call) -> dict[str, Any]:
    """Of a JSON body; none where there is no body. Raises Refused."""
    if call.data is None and call.body:
        raise vendor(call.headers).not_json()
    return dict(call.data or {})


def found(shelf: Shelf, name: str) -> Object:
    """Raises Refused with the vendors' status for what is not there."""
    kept = shelf.get(name)
    if kept is None:
        raise Refused(f"No such object: {name}", status=404, param="id")
    return kept


def page(call: Call, shelf: Shelf, *, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> Answer:
    """Newest first, in pages by cursor: `after`/`before_id` and the like, `limit`, and OpenAI's `order`."""
    given = {name: values[-1] for name, values in parse_qs(call.query).items()}
    is_anthropic = "anthropic-version" in call.headers
    shown = [kept.shown for kept in shelf.all() if wanted(kept.shown)]
    if given.get("order") != "asc":
        shown.reverse()
    ids = [each["id"] for each in shown]
    after = given.get("after_id" if is_anthropic else "after")
    before = given.get("before_id" if is_anthropic else "before")
    start = ids.index(after) + 1 if after in ids else 0
    end = ids.index(before) if before in ids else len(ids)
    limit = int(given["limit"]) if given.get("limit", "").isdecimal() else 20
    part = shown[start:end][:limit]
    listed = {
        "data": part,
        "has_more": start + len(part) < end,
        "first_id": part[0]["id"] if part else None,
        "last_id": part[-1]["id"] if part else None,
    }
    return answered(call, listed if is_anthropic else {"object": "list", **listed})


def deleted(call: Call, shelf: Shelf, name: str, kind: str) -> Answer:
    found(shelf, name)
    shelf.drop(name)
    if "anthropic-version" in call.headers:
        return answered(call, {"id": name, "type": f"{kind}_deleted"})
    return answered(call, {"id": name, "object": kind, "deleted": True})


def no_path(call: Call) -> Refused:
    return Refused(f"Invalid URL ({call.method} {call.path})", status=404)
