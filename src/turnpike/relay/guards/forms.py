"""A form under a ruleset: its fields are texts; its files are, where they are text, and else what no guard can read."""

from typing import TYPE_CHECKING

from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.uploads import Form, Spool
from turnpike.wire.forms import FormScanner, boundary_of
from turnpike.wire.guards.shapes import STRUCTURAL
from turnpike.wire.passage.multipart import Part, read_parts, write_parts
from turnpike.wire.passage.multipart import boundary_of as part_boundary

if TYPE_CHECKING:
    from turnpike.relay.media_call import MediaCall

_WORDS = STRUCTURAL | {"stream", "temperature", "seconds", "n", "timestamp_granularities[]", "include[]"}


def guarded_form(call: "MediaCall", prompt: Prompt) -> None:
    """Raises PolicyRefused. The form stays as it came where nothing of it changes."""
    form = call.form
    assert form is not None
    kept = form.as_it_came()
    raw = kept if isinstance(kept, bytes) else b"".join(kept.pieces())
    boundary = part_boundary(form.content_type)
    parts = read_parts(raw, boundary)
    if not guarded_parts(parts, prompt):
        return
    spool = Spool(call.relay.uploads)
    scanner = FormScanner(boundary_of(form.content_type), call.media.watched)
    written = write_parts(parts, boundary)
    scanner.feed(written)
    spool.write(written)
    form.close()
    changed = call.form = Form(scanner, spool, form.content_type)
    before = call.asked
    call.fields = call.asked = changed.read_head(call.media)
    call.asked.model = before.model
    call.body = changed.with_model(before.model)  # pyright: ignore[reportAttributeAccessIssue]


def guarded_parts(parts: list[Part], prompt: Prompt) -> bool:
    """Whether anything changed. Raises PolicyRefused."""
    changed = False
    for part in parts:
        if part.name in _WORDS:
            continue
        try:
            text = part.content.decode()
        except UnicodeDecodeError:
            prompt.met_media()
            continue
        if "\0" in text:
            prompt.met_media()
            continue
        new = _lines(text, prompt) if text.lstrip().startswith("{") else prompt.text(text)
        if new != text:
            part.content = new.encode()
            changed = True
    return changed


def _lines(text: str, prompt: Prompt) -> str:
    """JSON, or a JSON object on each line, as batches have it."""
    return "\n".join(prompt.json_text(line) for line in text.split("\n"))
