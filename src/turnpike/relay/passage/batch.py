"""Batches on their way to a provider: every line judged at the upload, and only judged files taken for a batch."""

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from turnpike.contract.objects import BatchFacts
from turnpike.contract.scopes import SCOPE_BIT
from turnpike.errors import InvalidRequest, ScopeMissing, TurnpikeError
from turnpike.relay.passage.choice import Way
from turnpike.relay.uploads import Form
from turnpike.wire.forms import FilePart
from turnpike.wire.operations import ENDPOINTS, Endpoint
from turnpike.wire.passage.batches import Admitted, LineJudge, admit_requests
from turnpike.wire.passage.kinds import ANTHROPIC_BATCHES, OPENAI_BATCHES, OPENAI_FILES
from turnpike.wire.passage.references import PURPOSE, values_at

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_ENDPOINTS: dict[str, Endpoint] = {endpoint.path: endpoint for endpoint in ENDPOINTS if endpoint.method == "POST"}
_BATCH = "batch"
_AT_ONCE_BYTES = 256 * 1024
_LOOKED_AT = 100


async def admit_batch(call: "PassageCall") -> None:
    """Judges the lines of an uploaded file of a batch, or of a batch that stands in its own body; puts the provider's
    names of models into them. Raises InvalidRequest, naming the first wrong line, or NotFound."""
    if not carries_batch(call):
        return
    if call.body.form is None:
        admitted = admit_requests(call.body.fields, lambda url, model: _judge(call, url, model))
    else:
        admitted = await _admit_file(call, call.body.form)
    await call.check_references(admitted.references)
    call.batch = BatchFacts(admitted.lines, admitted.endpoints, admitted.models)


async def _admit_file(call: "PassageCall", form: Form) -> Admitted:
    """Line by line, so that neither memory nor the other calls feel how long the file is."""
    file = _file_of(call)
    judge = LineJudge(lambda url, model: _judge(call, url, model))
    judged = form.new_spool()
    since = 0
    for raw in form.lines(file.start, file.start + file.size, call.relay.settings.body_limit_bytes):
        judged.write(judge.take(raw))
        since += len(raw)
        if since > _AT_ONCE_BYTES:
            since = 0
            await asyncio.sleep(0)
    call.body.replace(file, judged)
    return judge.end()


def check_batch(call: "PassageCall") -> None:
    """A batch of a file: its lines must have been judged. Raises InvalidRequest."""
    if not _is_creation(call, OPENAI_BATCHES):
        return
    fields = call.body.fields
    name = fields.get("input_file_id")
    file = next((each for each in call.holders if each.object_id == name and each.kind == OPENAI_FILES.full_name), None)
    if file is None or file.batch is None:
        raise InvalidRequest(
            "input_file_id: this is no file whose lines this gateway has judged. Upload it with the purpose 'batch'.",
            details={"param": "input_file_id"},
        )
    if fields.get("endpoint") not in file.batch.endpoints:
        raise InvalidRequest(
            f"endpoint: the file's lines are for {', '.join(file.batch.endpoints)}.", details={"param": "endpoint"}
        )
    call.batch = file.batch


def carries_batch(call: "PassageCall") -> bool:
    """Whether the body holds the lines of a batch."""
    if _is_creation(call, OPENAI_FILES):
        return any(value.strip() == _BATCH for value in call.body.values(PURPOSE))
    return _is_creation(call, ANTHROPIC_BATCHES)


def batch_models(call: "PassageCall", ways: Sequence[Way]) -> list[str]:
    """The first model that the lines name: it may say which provider is meant. What is wrong is found out later."""
    try:
        form = call.body.form
        if form is None:
            names = values_at(call.body.json, "requests[].params.model")
        else:
            file = _file_of(call)
            lines = form.lines(file.start, file.start + file.size, call.relay.settings.body_limit_bytes)
            first = next((line for line in islice(lines, _LOOKED_AT) if line.strip()), b"")
            names = values_at(msgspec.json.decode(first.removeprefix(b"\xef\xbb\xbf")), "body.model")
    except (msgspec.DecodeError, UnicodeDecodeError):
        names = []
    call.model = names[0] if names else ""
    ids = {way.provider.id for way in ways}
    try:
        rows = call.relay.catalog.rows_of(call.entry.profile, call.model)
    except TurnpikeError:
        return []
    return names[:1] if any(row.provider_id in ids for row in rows) else []


def _file_of(call: "PassageCall") -> FilePart:
    """Raises InvalidRequest unless there is just one: a provider might take another one for it than we do."""
    files = call.body.files("file")
    if len(files) != 1 or len(call.body.values(PURPOSE)) != 1:
        raise InvalidRequest("The form must have one part 'file' and one 'purpose'.", details={"param": "file"})
    return files[0]


def _is_creation(call: "PassageCall", kind: object) -> bool:
    return call.asked.creates and call.asked.place.is_collection and call.asked.place.kind == kind


def _judge(call: "PassageCall", url: str, model: str) -> str:
    """What an ordinary call would be asked: the scope of its endpoint, the model, whether it can do that. Returns the
    provider's name of the model."""
    endpoint = _ENDPOINTS.get(url)
    scope = endpoint.scope if endpoint is not None else "inference:text"
    if not call.entry.scopes & SCOPE_BIT[scope]:
        raise ScopeMissing(f"This API key lacks the scope '{scope}', which {url} asks for.")
    operation = endpoint.operation if endpoint is not None else None
    return call.model_at(model, operation).upstream_model
