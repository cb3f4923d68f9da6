"""The interface of forms that only providers speak, of operations whose requests or answers are no JSON.

Such a form may say in its path, its query or a form what others say in JSON. Sound goes on as it comes; answers in text
are read and written anew in the caller's form.
"""

from abc import ABC, abstractmethod

import msgspec

from turnpike.errors import UpstreamGarbage
from turnpike.wire.dialect import AnyRequest, AnyResponse, Target
from turnpike.wire.dialects.common.provider_form import ProviderForm
from turnpike.wire.types.speech import Transcript
from turnpike.wire.types.usage import Usage


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A request as such a provider wants it."""

    place: str = ""
    """What follows the operation's path: more of the path, a query."""
    body: bytes = b""
    """JSON, where the caller sent no form."""
    fields: tuple[tuple[str, str], ...] = ()
    """Of the form, where the caller sent one, in this order and before the file."""
    file: str = ""
    """What the caller's one file is called in it."""
    answered_as: str = ""
    """Which of the forms of an answer the caller is to have, in the words of its own dialect."""


class ProviderMedia(ProviderForm, ABC):
    """A provider's form. Its answers pass, unless `rewritten` says otherwise."""

    rewritten = False
    """Its answers are read (`read_transcript`), and written in the caller's form."""

    @abstractmethod
    def write_call(self, request: AnyRequest, target: Target, /) -> Written:
        """Raises Inexpressible, naming the field, before anything is sent."""

    def read_transcript(self, body: bytes, /) -> Transcript:
        """Raises UpstreamGarbage."""
        self._no_caller()

    # ---- of `turnpike.wire.dialect.Dialect`, where it has no more to say

    def write_request(self, request: AnyRequest, target: Target) -> bytes:
        return self.write_call(request, target).body

    def read_usage(self, body: bytes, /) -> Usage | None:
        return None

    def read_response(self, body: bytes, /) -> AnyResponse:
        raise UpstreamGarbage(f"Answers of the form {self.name} cannot be brought to another.")
