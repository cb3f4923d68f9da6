"""/v1/batches: OpenAI's batches. One is in progress when it is first asked for and completed from the second time on.

Its lines are answered by the simulator's own operations. Source: OpenAI API reference, "Batch".
"""

from typing import Any

import msgspec

from turnpike.simulator.dialects import OPERATIONS as CALLS
from turnpike.simulator.exchange import Answer, Call, Refused
from turnpike.simulator.faults import NONE
from turnpike.simulator.storage.files import put_file
from turnpike.simulator.storage.objects import answered, fields, found, no_path, operations, page
from turnpike.simulator.store import CREATED_S, Object

_LOOKS = 2


def batches(call: Call) -> Answer:
    shelf = call.store.shelf("batches")
    name, _, tail = call.rest.partition("/")
    if call.method == "POST" and not name:
        return answered(call, _made(call).shown)
    if call.method == "GET" and not name:
        return page(call, shelf)
    if call.method == "GET" and not tail:
        kept = found(shelf, name)
        _look(call, kept)
        return answered(call, kept.shown)
    if call.method == "POST" and tail == "cancel":
        kept = found(shelf, name)
        if kept.shown["status"] != "completed":
            kept.shown.update(status="cancelled", cancelled_at=CREATED_S)
        return answered(call, kept.shown)
    raise no_path(call)


def _made(call: Call) -> Object:
    given = fields(call)
    file = call.store.shelf("files").get(str(given.get("input_file_id")))
    if file is None:
        raise Refused(f"No such file: {given.get('input_file_id')}", param="input_file_id")
    lines = [line for line in file.content.split(b"\n") if line.strip()]
    shelf = call.store.shelf("batches")
    shown: dict[str, Any] = {
        "id": shelf.name("batch_"),
        "object": "batch",
        "endpoint": given.get("endpoint"),
        "model": None,
        "errors": None,
        "input_file_id": given["input_file_id"],
        "completion_window": given.get("completion_window", "24h"),
        "status": "validating",
        "output_file_id": None,
        "error_file_id": None,
        "created_at": CREATED_S,
        "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
        "metadata": given.get("metadata"),
    }
    return shelf.put(shown, file.content)


def _look(call: Call, kept: Object) -> None:
    kept.looks += 1
    if kept.shown["status"] in ("completed", "cancelled"):
        return
    kept.shown["status"] = "in_progress"
    if kept.looks >= _LOOKS:
        _complete(call, kept)


def _complete(call: Call, kept: Object) -> None:
    written: list[bytes] = []
    totals = {"input_tokens": 0, "output_tokens": 0}
    for number, raw in enumerate(line for line in kept.content.split(b"\n") if line.strip()):
        line = msgspec.json.decode(raw)
        status, body = _answer(call, line["url"], line["body"])
        usage = body.get("usage") or {}
        totals["input_tokens"] += usage.get("prompt_tokens", usage.get("input_tokens", 0))
        totals["output_tokens"] += usage.get("completion_tokens", usage.get("output_tokens", 0))
        kept.shown["model"] = line["body"].get("model")
        result = {
            "id": f"batch_req_{number}",
            "custom_id": line["custom_id"],
            "response": {"status_code": status, "request_id": f"req_{number}", "body": body},
            "error": None,
        }
        written.append(msgspec.json.encode(result))
    output = put_file(call.store.shelf("files"), "output.jsonl", "batch_output", b"\n".join(written) + b"\n")
    kept.shown.update(
        status="completed",
        completed_at=CREATED_S,
        output_file_id=output.shown["id"],
        request_counts={"total": len(written), "completed": len(written), "failed": 0},
        usage={
            **totals,
            "total_tokens": sum(totals.values()),
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    )


def _answer(call: Call, url: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    answer = run(call, url, body)
    return answer.status, msgspec.json.decode(answer.body)


def run(call: Call, path: str, body: dict[str, Any]) -> Answer:
    """One line of a batch, answered as the call that it is."""
    operation = next((each for each in CALLS if (each.method, each.path) == ("POST", path)), None)
    if operation is None:
        raise Refused(f"Unsupported endpoint: {path}", param="endpoint")
    raw = msgspec.json.encode(body)
    inner = Call(call.number, "POST", path, "", "", call.headers, raw, body, NONE, store=call.store)
    try:
        return operation.answer(inner)
    except Refused as refused:
        return operation.vendor(call.headers).error(refused, call.number)


OPERATIONS = operations("/v1/batches", batches, "POST GET POST")
