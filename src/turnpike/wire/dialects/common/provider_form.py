"""What forms have in common that only providers speak: no caller sends them, so nothing of them is read from a caller
nor passed on in place."""

from typing import NoReturn

from turnpike.errors import UnsupportedOperation
from turnpike.wire.dialect import AnyRequest, AnyResponse, Head
from turnpike.wire.dialects.common.alone import OpenAIForm
from turnpike.wire.dialects.common.plain import NeverStreams


class ProviderForm(OpenAIForm, NeverStreams):
    """Mixed into a dialect whose answers are whole and whose callers all speak another."""

    def decode_head(self, body: bytes) -> Head:
        self._no_caller()

    def read_head(self, body: bytes) -> Head:
        self._no_caller()

    def read_request(self, body: bytes) -> AnyRequest:
        self._no_caller()

    def write_response(self, response: AnyResponse, model: str) -> bytes:
        self._no_caller()

    def splice(self, body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
        self._no_caller()

    def _no_caller(self) -> NoReturn:
        raise UnsupportedOperation(f"The form {self.name} is one of providers: no caller speaks it.")
