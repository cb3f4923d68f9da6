"""/v1/containers and the files in them. Source: OpenAI API reference, "Containers"."""

from turnpike.simulator.exchange import Answer, Call
from turnpike.simulator.storage.files import content, uploaded
from turnpike.simulator.storage.objects import answered, deleted, fields, found, no_path, operations, page
from turnpike.simulator.store import CREATED_S


def containers(call: Call) -> Answer:
    shelf = call.store.shelf("containers")
    name, _, tail = call.rest.partition("/")
    if call.method == "POST" and not name:
        shown = {
            "id": shelf.name("cntr_"),
            "object": "container",
            "created_at": CREATED_S,
            "status": "running",
            "expires_after": {"anchor": "last_active_at", "minutes": 20},
            "last_active_at": CREATED_S,
            "name": fields(call).get("name"),
        }
        return answered(call, shelf.put(shown).shown)
    if call.method == "GET" and not name:
        return page(call, shelf)
    kept = found(shelf, name)
    if tail:
        return _inside(call, name, tail)
    if call.method == "DELETE":
        return deleted(call, shelf, name, "container.deleted")
    return answered(call, kept.shown)


def _inside(call: Call, container: str, tail: str) -> Answer:
    word, _, rest = tail.partition("/")
    name, _, what = rest.partition("/")
    shelf = call.store.shelf(f"files of {container}")
    if word != "files" or what not in ("", "content"):
        raise no_path(call)
    if call.method == "POST" and not name:
        _, file = uploaded(call)
        shown = {
            "id": shelf.name("cfile_"),
            "object": "container.file",
            "created_at": CREATED_S,
            "bytes": len(file.data),
            "container_id": container,
            "path": f"/mnt/data/{file.filename}",
            "source": "user",
        }
        return answered(call, shelf.put(shown, file.data).shown)
    if not name:
        return page(call, shelf)
    kept = found(shelf, name)
    if call.method == "DELETE":
        return deleted(call, shelf, name, "container.file.deleted")
    return content(call, kept) if what else answered(call, kept.shown)


OPERATIONS = operations("/v1/containers", containers)
