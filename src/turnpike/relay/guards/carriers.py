"""Where the texts of a call stand, whatever lane it takes, so that they can be gone through more than once: first to
collect what somebody else is asked about, then to change it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from turnpike.relay.guards.forms import changes_of, guarded_media_form
from turnpike.relay.media_call import MediaCall
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.walk import Walk

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.passage.call import PassageCall
    from turnpike.wire.media.dialect import MediaHead

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_LEAST_CHARS = 3


class Collecting:
    """Every text once, in order. Nothing is changed."""

    def __init__(self) -> None:
        self.texts: dict[str, None] = {}

    def text(self, text: str) -> str:
        if len(text) >= _LEAST_CHARS and not text.isnumeric():
            self.texts[text] = None
        return text

    def json_text(self, text: str) -> str:
        through_json(text, self.text)
        return text

    def met_media(self) -> None:
        """Somebody has judged it already."""


class Replacing:
    """Texts that are to stand elsewhere than they did."""

    def __init__(self, changed: Mapping[str, str]) -> None:
        self._changed = changed

    def text(self, text: str) -> str:
        return self._changed.get(text, text)

    def json_text(self, text: str) -> str:
        return through_json(text, self.text)

    def met_media(self) -> None:
        """As above."""


def through_json(text: str, change: Any) -> str:
    """A text that is JSON: its strings, each for itself. It is written again only where one changed."""
    try:
        read = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return change(text)
    before = _encode(read)
    after = _encode(Walk(shape_of(""), change, change).through(read, free=True))
    return text if before == after else after.decode()


class Carrier(Protocol):
    def look(self, looker: Collecting) -> None: ...

    def change(self, looker: Replacing) -> None: ...


class CallCarrier:
    """A call whose body is JSON or a form."""

    def __init__(self, call: "Call") -> None:
        self._call = call

    def look(self, looker: Collecting) -> None:
        call = self._call
        if isinstance(call, MediaCall) and call.form is not None:
            changes_of(call.form, looker)
        else:
            self._through(looker)

    def change(self, looker: Replacing) -> None:
        call = self._call
        if isinstance(call, MediaCall) and call.form is not None:
            guarded_media_form(call, looker)
        else:
            put_body(call, _encode(self._through(looker)))

    def _through(self, looker: Collecting | Replacing) -> Any:
        walk = Walk(shape_of(self._call.dialect.name), looker.text, looker.json_text)
        return walk.through(_decode(self._call.body))


class PassageCarrier:
    """A call that is passed through."""

    def __init__(self, call: "PassageCall") -> None:
        self._call = call

    def look(self, looker: Collecting) -> None:
        body = self._call.body
        if body.form is not None:
            changes_of(body.form, looker)
        elif body.json is not None:
            Walk(shape_of(""), looker.text, looker.json_text).through(body.json)

    def change(self, looker: Replacing) -> None:
        body = self._call.body
        if body.form is not None:
            changes = changes_of(body.form, looker)
            if changes:
                self._call.rewrite(changes)
        elif body.json is not None:
            body.json = Walk(shape_of(""), looker.text, looker.json_text).through(body.json)


def put_body(call: "Call", body: bytes) -> None:
    """Another body in its place. What the path, or a default, said of it stands nowhere in the body."""
    before = call.fields
    fields = call.dialect.read_head(body)
    fields.model, fields.stream = before.model, before.stream
    call.body, call.fields = body, fields
    if isinstance(call, MediaCall):
        call.asked = cast("MediaHead", fields)
