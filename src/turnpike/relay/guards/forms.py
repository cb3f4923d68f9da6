"""A form under a ruleset: its fields are texts; its files are, where they are text, and else what no guard can read."""

from typing import TYPE_CHECKING, Protocol

from turnpike.relay.uploads import Change, Form
from turnpike.wire.forms import FilePart, FormScanner, boundary_of
from turnpike.wire.guards.shapes import STRUCTURAL

if TYPE_CHECKING:
    from turnpike.relay.media_call import MediaCall

_WORDS = STRUCTURAL | {"stream", "temperature", "seconds", "n", "timestamp_granularities[]", "include[]"}


class Looker(Protocol):
    """Who is shown the texts, and gives what is to stand in their place."""

    def text(self, text: str) -> str: ...

    def json_text(self, text: str) -> str: ...

    def met_media(self) -> None: ...


def guarded_media_form(call: "MediaCall", prompt: Looker) -> None:
    """Raises PolicyRefused. The form stays as it came where nothing of it changes."""
    assert call.form is not None
    changes = changes_of(call.form, prompt)
    if not changes:
        return
    before = call.asked
    scanner = FormScanner(boundary_of(call.form.content_type), call.media.watched)
    changed = call.form = call.form.rewritten(changes, scanner)
    call.fields = call.asked = changed.read_head(call.media)
    call.asked.model = before.model


def plain_fields(form: Form) -> dict[str, str]:
    """What is no file, by name."""
    return {name: field.value for name, field in form.looked_through().plain}


def changes_of(form: Form, prompt: Looker) -> list[Change]:
    """What is to stand elsewhere than it came, in the body's order. Raises PolicyRefused."""
    scanner = form.looked_through()
    changes: list[Change] = []
    for name, field in scanner.plain:
        if name not in _WORDS and (new := _guarded(field.value, prompt)) != field.value:
            changes.append((field.start, field.end, new.encode()))
    for file in scanner.files:
        if file.name not in _WORDS and file.size:
            changes += _of_file(form, file, prompt)
    return sorted(changes, key=lambda change: change[0])


def _of_file(form: Form, file: FilePart, prompt: Looker) -> list[Change]:
    end = file.start + file.size
    text = None if b"\0" in file.beginning else _decoded(form.read(file.start, end))
    if text is None or "\0" in text:
        prompt.met_media()
        return []
    new = _guarded(text, prompt)
    return [] if new == text else [(file.start, end, new.encode())]


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _guarded(text: str, prompt: Looker) -> str:
    return _lines(text, prompt) if text.lstrip().startswith("{") else prompt.text(text)


def _lines(text: str, prompt: Looker) -> str:
    """JSON, or a JSON object on each line, as batches have it."""
    return "\n".join(prompt.json_text(line) for line in text.split("\n"))
