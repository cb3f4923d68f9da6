"""The fast lane of an embeddings request: the model, which the path names, and which its body may repeat."""

from typing import Any, cast

import msgspec

from turnpike.errors import TurnpikeError
from turnpike.wire.dialect import Head
from turnpike.wire.dialects.common.body import body_error
from turnpike.wire.dialects.common.owned import OwnedModel, OwnedRequests, forget, once
from turnpike.wire.dialects.common.words import invalid
from turnpike.wire.dialects.gemini import head as _head
from turnpike.wire.dialects.gemini.head import PREFIX


class OneHead(Head, gc=False):
    model: OwnedModel = ""

    def output_bound(self) -> int | None:
        return 0  # vectors are not counted in tokens


class BatchHead(Head, gc=False):
    model: OwnedModel = ""
    requests: OwnedRequests | None = None

    def output_bound(self) -> int | None:
        return 0


_decode_one = msgspec.json.Decoder(OneHead, dec_hook=once).decode
_decode_batch = msgspec.json.Decoder(BatchHead, dec_hook=once).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[dict[str, msgspec.Raw]]).decode
_MODEL = "model"


def decode_one_head(body: bytes) -> OneHead:
    """Raises what `head_error` takes."""
    forget()
    head = _decode_one(body)
    head.model = head.model.removeprefix(PREFIX)
    return head


def decode_batch_head(body: bytes) -> BatchHead:
    """Raises what `head_error` takes, or InvalidRequest where the requests name several models."""
    forget()
    head = _decode_batch(body)
    for number, request in enumerate(head.requests or ()):
        named = cast("dict[str, Any]", request).get(_MODEL) if isinstance(request, dict) else None
        if named is None:
            continue
        if not isinstance(named, str) or (head.model and named != head.model):
            raise invalid(f"requests[{number}].model", "must be the one model that the path names.")
        head.model = named
    head.model = head.model.removeprefix(PREFIX)
    return head


def head_error(error: Exception) -> TurnpikeError:
    return body_error(error)


def splice(body: bytes, head: Head, upstream_model: str, quirks: frozenset[str] = frozenset()) -> bytes:
    """Each request of a batch repeats the model."""
    body = _head.splice(body, head, upstream_model, quirks)
    if not isinstance(head, BatchHead) or not any(_MODEL in each for each in head.requests or ()):
        return body
    members = _members(body)
    model = msgspec.Raw(msgspec.json.encode(PREFIX + upstream_model))
    changed = [{**each, _MODEL: model} for each in _items(members["requests"])]
    return msgspec.json.encode({**members, "requests": changed})
