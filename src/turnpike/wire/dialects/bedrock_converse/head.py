"""The fast lane of a request. The model stands in the path: of the body only the output limit is the gateway's."""

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import BODY_ERRORS, body_error
from turnpike.wire.dialects.common.owned import OwnedInferenceConfig, OwnedModel, forget, once


class ConverseHead(Head, gc=False):
    model: OwnedModel = ""
    inferenceConfig: OwnedInferenceConfig | None = None  # noqa: N815 - Amazon's own name

    def output_bound(self) -> int | None:
        bound = None if self.inferenceConfig is None else self.inferenceConfig.get("maxTokens")
        return bound if isinstance(bound, int) else None


_decode = msgspec.json.Decoder(ConverseHead, dec_hook=once).decode


def decode_head(body: bytes) -> ConverseHead:
    """Raises what `head_error` takes."""
    forget()
    return _decode(body)


def read_head(body: bytes) -> ConverseHead:
    try:
        return decode_head(body)
    except BODY_ERRORS as error:
        raise body_error(error) from error


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Nothing of the body is the gateway's to replace."""
    return body
