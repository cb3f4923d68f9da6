"""/v1/files in OpenAI's form, or in Anthropic's where `anthropic-version` is sent.

Sources: OpenAI API reference, "Files"; Anthropic API reference, "Files (beta)".
"""

from typing import Any
from urllib.parse import parse_qs

from turnpike.simulator.exchange import Answer, Call, Refused
from turnpike.simulator.forms import File, read_form
from turnpike.simulator.storage.objects import answered, deleted, found, no_path, operations, page, vendor
from turnpike.simulator.store import CREATED_S, Object, Shelf

_CREATED_AT = "2026-01-01T00:00:00Z"


def files(call: Call) -> Answer:
    shelf = shelf_of(call)
    name, _, tail = call.rest.partition("/")
    if call.method == "POST" and not name:
        return answered(call, _made(call, shelf).shown)
    if call.method == "GET" and not name:
        purpose = parse_qs(call.query).get("purpose", [None])[-1]
        return page(call, shelf, wanted=lambda shown: purpose in (None, shown.get("purpose")))
    if call.method == "DELETE" and not tail:
        return deleted(call, shelf, name, "file")
    if call.method == "GET" and tail in ("", "content"):
        kept = found(shelf, name)
        return answered(call, kept.shown) if not tail else content(call, kept)
    raise no_path(call)


def content(call: Call, kept: Object) -> Answer:
    headers = [(b"content-type", b"application/octet-stream"), *vendor(call.headers).headers(call.number)]
    return Answer(200, headers, kept.content)


def shelf_of(call: Call) -> Shelf:
    return call.store.shelf("anthropic files" if "anthropic-version" in call.headers else "files")


def uploaded(call: Call) -> tuple[dict[str, Any], File]:
    """A form's fields and its file. Raises Refused when the body is no form, or has none."""
    form = read_form(call.headers.get("content-type", ""), call.body)
    if form is None:
        raise Refused("Expected a multipart/form-data body.")
    fields, files = form
    file = next((file for file in files if file.name == "file"), None)
    if file is None:
        raise Refused("Missing required parameter: 'file'.", param="file")
    return fields, file


def put_file(shelf: Shelf, name: str, purpose: str, data: bytes) -> Object:
    """A file of OpenAI's."""
    shown = {
        "id": shelf.name("file-"),
        "object": "file",
        "bytes": len(data),
        "created_at": CREATED_S,
        "expires_at": None,
        "filename": name,
        "purpose": purpose,
        "status": "processed",
        "status_details": None,
    }
    return shelf.put(shown, data)


def _made(call: Call, shelf: Shelf) -> Object:
    fields, file = uploaded(call)
    if "anthropic-version" in call.headers:
        shown: dict[str, Any] = {
            "id": shelf.name("file_"),
            "type": "file",
            "filename": file.filename,
            "mime_type": "application/octet-stream",
            "size_bytes": len(file.data),
            "created_at": _CREATED_AT,
            "downloadable": True,
        }
        return shelf.put(shown, file.data)
    if "purpose" not in fields:
        raise Refused("Missing required parameter: 'purpose'.", param="purpose")
    return put_file(shelf, file.filename, fields["purpose"], file.data)


OPERATIONS = operations("/v1/files", files)
