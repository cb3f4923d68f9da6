"""/v1/messages/batches: Anthropic's batches. One is in progress when it is first asked for and has ended from the next
time on. Source: Anthropic API reference, "Message Batches".
"""

from typing import Any

import msgspec

from turnpike.simulator.exchange import Answer, Call, Refused
from turnpike.simulator.storage.batches import run
from turnpike.simulator.storage.objects import answered, deleted, fields, found, no_path, operations, page, vendor
from turnpike.simulator.store import Object

_CREATED_AT = "2026-01-01T00:00:00Z"
_LOOKS = 2


def message_batches(call: Call) -> Answer:
    shelf = call.store.shelf("message batches")
    name, _, tail = call.rest.partition("/")
    if call.method == "POST" and not name:
        return answered(call, _made(call).shown)
    if call.method == "GET" and not name:
        return page(call, shelf)
    kept = found(shelf, name)
    if call.method == "DELETE" and not tail:
        return deleted(call, shelf, name, "message_batch")
    if call.method == "GET" and not tail:
        kept.looks += 1
        if kept.looks >= _LOOKS:
            _end(call, kept)
        return answered(call, kept.shown)
    if call.method == "GET" and tail == "results" and kept.shown["processing_status"] == "ended":
        headers = [(b"content-type", b"application/x-jsonl"), *vendor(call.headers).headers(call.number)]
        return Answer(200, headers, kept.content)
    if call.method == "POST" and tail == "cancel":
        kept.shown.update(cancel_initiated_at=_CREATED_AT)
        _end(call, kept)
        return answered(call, kept.shown)
    raise no_path(call)


def _made(call: Call) -> Object:
    requests = fields(call).get("requests")
    if not isinstance(requests, list) or not requests:
        raise Refused("requests: Field required")
    shelf = call.store.shelf("message batches")
    counts = {"processing": len(requests), "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    shown: dict[str, Any] = {
        "id": shelf.name("msgbatch_"),
        "type": "message_batch",
        "processing_status": "in_progress",
        "request_counts": counts,
        "created_at": _CREATED_AT,
        "expires_at": "2026-01-02T00:00:00Z",
        "ended_at": None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": None,
    }
    return shelf.put(shown, msgspec.json.encode(requests))


def _end(call: Call, kept: Object) -> None:
    if kept.shown["processing_status"] == "ended":
        return
    results: list[bytes] = []
    counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    for request in msgspec.json.decode(kept.content):
        answer = run(call, "/v1/messages", request["params"])
        body = msgspec.json.decode(answer.body)
        fine = answer.status == 200
        counts["succeeded" if fine else "errored"] += 1
        result = {"type": "succeeded", "message": body} if fine else {"type": "errored", "error": body}
        results.append(msgspec.json.encode({"custom_id": request["custom_id"], "result": result}))
    kept.content = b"\n".join(results) + b"\n"
    name = kept.shown["id"]
    kept.shown.update(
        processing_status="ended",
        ended_at=_CREATED_AT,
        request_counts=counts,
        # The address that the request came to: the SDK follows it.
        results_url=f"http://{call.headers.get('host', 'localhost')}/v1/messages/batches/{name}/results",
    )


OPERATIONS = operations("/v1/messages/batches", message_batches)
