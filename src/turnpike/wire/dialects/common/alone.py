"""Operations that one dialect alone speaks: their bodies are passed on and never translated.

Also what their requests have in common: a model that need not be named.
"""

from typing import Any, NoReturn

import msgspec

from turnpike.errors import UnsupportedOperation, UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, AnyResponse, Head, Target
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error, replace_model, top_level
from turnpike.wire.dialects.common.errors import read_error
from turnpike.wire.dialects.common.owned import OwnedModel
from turnpike.wire.dialects.openai_chat.error import write_error, write_stream_error

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class UnnamedHead(Head, gc=False):
    """A head whose `model` may be absent or null: it is empty then, and a default takes its place (`with_model`)."""

    model: OwnedModel | None = ""  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] - null is read as empty


def with_model(body: bytes, model: str) -> bytes:
    """A JSON object that names no model, with one. Every other byte stays as it was."""
    places = top_level(body, "model")
    if places:
        return replace_model(body, places[0], model)
    start = body.index(b"{") + 1
    more = b"" if body[start:].lstrip().startswith(b"}") else b","
    return body[:start] + b'"model":' + msgspec.json.encode(model) + more + body[start:]


class OpenAIForm:
    """Errors in OpenAI's form, and the model replaced in place."""

    head_error = staticmethod(body_error)
    read_error = staticmethod(read_error)
    write_error = staticmethod(write_error)
    write_stream_error = staticmethod(write_stream_error)

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        return body if upstream_model == head.model else with_model(body, upstream_model)


class Alone(OpenAIForm):
    """Mixed into a dialect that has no other beside it."""

    name = ""

    def read_request(self, body: bytes) -> AnyRequest:
        try:
            _decode_object(body)
        except BODY_ERRORS as error:
            raise body_error(error) from error
        self._refuse()

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        self._refuse()

    def read_response(self, body: bytes) -> AnyResponse:
        raise UpstreamGarbage(f"Answers of the form {self.name} cannot be brought to another.")

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise UnsupportedOperation(f"Requests of the form {self.name} go only to providers that speak it.")


def plain_text(value: Any) -> str:
    """A field that prices depend on: its text, or nothing for what is none."""
    return value if isinstance(value, str) and len(value) <= 64 else ""
