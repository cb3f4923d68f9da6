"""The body of a passed-through request: JSON, a form or a file, what it names, and how it goes on.

JSON is written again from what was read: two fields of the same name, which a provider might read otherwise than we
do, go no further. A form goes on as it came but for the names of models and the lines of a batch; its reader takes none
that could be read in two ways.
"""

from typing import TYPE_CHECKING, Any, cast

import msgspec

from turnpike.errors import InvalidJson, InvalidRequest, UnsupportedMedia
from turnpike.relay.uploads import Change, Form, Spool
from turnpike.wire.forms import FilePart
from turnpike.wire.passage.paths import Api
from turnpike.wire.passage.references import MODEL_FIELDS, Reference, models_in, references_in

if TYPE_CHECKING:
    from turnpike.relay.upstream import Source

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_JSON = b"application/json"


class Body:
    """`json` is set for a body in JSON; `form` for a form. A file, where one may come bare, has neither."""

    def __init__(self, api: Api, content_type: bytes | None, raw: bytes | Form, *, may_be_raw: bool) -> None:
        """Raises InvalidJson, InvalidRequest, UnsupportedMedia."""
        self.api = api
        self.content_type = content_type
        self.json: Any = None
        self.form: Form | None = None
        self.size = raw.size if isinstance(raw, Form) else len(raw)
        """Bytes, as it came."""
        self._raw = raw
        self._changes: list[Change] = []
        if isinstance(raw, Form):
            if raw.fault is not None:
                raise raw.fault
            self.form = raw if raw.is_form else None
        elif raw and (not may_be_raw or (content_type or b"").lower().startswith(_JSON)):
            self._read_json(raw)
            self._raw = b""

    def _read_json(self, raw: bytes) -> None:
        kind = (self.content_type or _JSON).split(b";")[0].strip().lower()
        if kind != _JSON and not kind.endswith(b"+json"):
            shown = kind.decode("latin-1")[:60]
            raise UnsupportedMedia(f"The content type '{shown}' is not passed on; send JSON or multipart/form-data.")
        try:
            self.json = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidJson(f"The body is not valid JSON: {str(error)[:200]}.") from error
        if not isinstance(self.json, dict):
            raise InvalidRequest("The body must be a JSON object.")
        self.content_type = _JSON

    @property
    def fields(self) -> dict[str, Any]:
        """Of a JSON body; empty for any other."""
        return cast("dict[str, Any]", self.json) if isinstance(self.json, dict) else {}

    def values(self, name: str) -> list[str]:
        """Of a form's plain fields of this name."""
        if self.form is None:
            return []
        return [field.value for each, field in self.form.scanner.plain if each == name]

    def files(self, name: str) -> list[FilePart]:
        """A form's parts of this name that are files."""
        return [] if self.form is None else [file for file in self.form.scanner.files if file.name == name]

    def references(self) -> list[Reference]:
        if self.form is None:
            return references_in(self.api, self.json)
        plain = self.form.scanner.plain
        return [each for name, field in plain for each in references_in(self.api, {_bare(name): field.value})]

    def models(self) -> list[str]:
        """As the caller names them."""
        if self.form is None:
            return [_without_kind(holder[name]) for holder, name, _ in models_in(self.json)]
        return [field.value for name, field in self.form.scanner.plain if name.lower() in MODEL_FIELDS and field.value]

    def rename(self, names: dict[str, str]) -> None:
        """Puts the provider's names where the caller's stand."""
        if self.form is None:
            for holder, name, _ in models_in(self.json):
                asked = holder[name]
                bare = _without_kind(asked)
                holder[name] = asked[: len(asked) - len(bare)] + names[bare]
            return
        for name, field in self.form.scanner.plain:
            if name.lower() in MODEL_FIELDS and field.value:
                self._changes.append((field.start, field.end, names[field.value].encode()))

    def replace(self, file: FilePart, content: Spool) -> None:
        """Puts something else where a form's file stands."""
        self._changes.append((file.start, file.start + file.size, content))

    def write(self) -> "bytes | Source":
        if isinstance(self._raw, Form):
            return self._raw.changed(sorted(self._changes, key=lambda change: change[0]))
        return _encode(self.json) if self.json is not None else self._raw

    def close(self) -> None:
        if isinstance(self._raw, Form):
            self._raw.close()


def _bare(name: str) -> str:
    """`file_ids[]` and `file_ids[0]` are `file_ids`."""
    return name.partition("[")[0]


def _without_kind(model: str) -> str:
    """Gemini writes `models/gemini-...` in bodies."""
    return model.removeprefix("models/")
