"""The body of a passed-through request: JSON or multipart, what it names, and how it is written again.

It is always written again from what was read: two fields of the same name, which a provider might read otherwise than
we do, go no further.
"""

from typing import Any, cast

import msgspec

from turnpike.errors import InvalidJson, InvalidRequest, UnsupportedMedia
from turnpike.wire.passage.multipart import Part, boundary_of, is_multipart, read_parts, write_parts
from turnpike.wire.passage.paths import Api
from turnpike.wire.passage.references import MODEL_FIELDS, Reference, models_in, references_in

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_JSON = b"application/json"


class Body:
    """One of `json` and `parts` is set, or none for an empty body and for raw bytes that may pass."""

    def __init__(self, api: Api, content_type: bytes | None, raw: bytes, *, may_be_raw: bool) -> None:
        """Raises InvalidJson, InvalidRequest, UnsupportedMedia."""
        self.api = api
        self.content_type = content_type
        self.raw = raw
        self.json: Any = None
        self.parts: list[Part] | None = None
        self._boundary = b""
        if not raw:
            return
        if is_multipart(content_type):
            self._boundary = boundary_of(content_type or b"")
            self.parts = read_parts(raw, self._boundary)
        elif not may_be_raw or (content_type or b"").lower().startswith(_JSON):
            self._read_json()

    def _read_json(self) -> None:
        kind = (self.content_type or _JSON).split(b";")[0].strip().lower()
        if kind != _JSON and not kind.endswith(b"+json"):
            shown = kind.decode("latin-1")[:60]
            raise UnsupportedMedia(f"The content type '{shown}' is not passed on; send JSON or multipart/form-data.")
        try:
            self.json = _decode(self.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidJson(f"The body is not valid JSON: {str(error)[:200]}.") from error
        if not isinstance(self.json, dict):
            raise InvalidRequest("The body must be a JSON object.")
        self.content_type = _JSON

    @property
    def fields(self) -> dict[str, Any]:
        """Of a JSON body; empty for any other."""
        return cast("dict[str, Any]", self.json) if isinstance(self.json, dict) else {}

    def part(self, name: str) -> Part | None:
        return next((part for part in self.parts or () if part.name == name), None)

    def references(self) -> list[Reference]:
        if self.parts is None:
            return references_in(self.api, self.json)
        return [each for part in self.parts for each in references_in(self.api, {_bare(part.name): part.text})]

    def models(self) -> list[str]:
        """As the caller names them."""
        if self.parts is None:
            return [_without_kind(holder[name]) for holder, name, _ in models_in(self.json)]
        return [part.text for part in self.parts if part.name.lower() in MODEL_FIELDS]

    def rename(self, names: dict[str, str]) -> None:
        """Puts the provider's names where the caller's stand."""
        if self.parts is None:
            for holder, name, _ in models_in(self.json):
                asked = holder[name]
                bare = _without_kind(asked)
                holder[name] = asked[: len(asked) - len(bare)] + names[bare]
            return
        for part in self.parts:
            if part.name.lower() in MODEL_FIELDS:
                part.content = names[part.text].encode()

    def write(self) -> bytes:
        if self.parts is not None:
            return write_parts(self.parts, self._boundary)
        return _encode(self.json) if self.json is not None else self.raw


def _bare(name: str) -> str:
    """`file_ids[]` and `file_ids[0]` are `file_ids`."""
    return name.partition("[")[0]


def _without_kind(model: str) -> str:
    """Gemini writes `models/gemini-...` in bodies."""
    return model.removeprefix("models/")
