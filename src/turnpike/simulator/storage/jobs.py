"""/v1/fine_tuning/jobs: a job runs when it is first asked for and has succeeded from the second time on.

Source: OpenAI API reference, "Fine-tuning".
"""

from typing import Any

from turnpike.simulator.exchange import Answer, Call, Refused
from turnpike.simulator.storage.files import put_file
from turnpike.simulator.storage.objects import answered, fields, found, no_path, operations, page
from turnpike.simulator.store import CREATED_S, Object

_LOOKS = 2


def jobs(call: Call) -> Answer:
    shelf = call.store.shelf("jobs")
    name, _, tail = call.rest.partition("/")
    if call.method == "POST" and not name:
        return answered(call, _made(call).shown)
    if call.method == "GET" and not name:
        return page(call, shelf)
    kept = found(shelf, name)
    if call.method == "GET" and not tail:
        _look(call, kept)
        return answered(call, kept.shown)
    if call.method == "GET" and tail in ("events", "checkpoints"):
        return answered(call, {"object": "list", "data": [], "has_more": False})
    if call.method == "POST" and tail == "cancel":
        kept.shown["status"] = "cancelled"
        return answered(call, kept.shown)
    raise no_path(call)


def _made(call: Call) -> Object:
    given = fields(call)
    for name in ("model", "training_file"):
        if not isinstance(given.get(name), str):
            raise Refused(f"Missing required parameter: '{name}'.", param=name)
    if call.store.shelf("files").get(given["training_file"]) is None:
        raise Refused(f"No such file: {given['training_file']}", param="training_file")
    shelf = call.store.shelf("jobs")
    shown: dict[str, Any] = {
        "id": shelf.name("ftjob-"),
        "object": "fine_tuning.job",
        "created_at": CREATED_S,
        "error": None,
        "fine_tuned_model": None,
        "finished_at": None,
        "hyperparameters": {"n_epochs": 1, "batch_size": 1, "learning_rate_multiplier": 1.0},
        "model": given["model"],
        "organization_id": "org-simulator",
        "result_files": [],
        "seed": 0,
        "status": "queued",
        "trained_tokens": None,
        "training_file": given["training_file"],
        "validation_file": given.get("validation_file"),
    }
    return shelf.put(shown)


def _look(call: Call, kept: Object) -> None:
    kept.looks += 1
    if kept.shown["status"] in ("succeeded", "cancelled"):
        return
    kept.shown["status"] = "running"
    if kept.looks >= _LOOKS:
        results = put_file(call.store.shelf("files"), "results.csv", "fine-tune-results", b"step,loss\n1,0.5\n")
        kept.shown.update(
            status="succeeded",
            finished_at=CREATED_S,
            trained_tokens=1,
            fine_tuned_model=f"ft:{kept.shown['model']}:simulator::{kept.shown['id'][-6:]}",
            result_files=[results.shown["id"]],
        )


OPERATIONS = operations("/v1/fine_tuning/jobs", jobs, "POST GET POST")
