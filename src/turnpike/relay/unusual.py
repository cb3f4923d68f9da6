"""Requests that a provider wants otherwise: a path of their own for streams, a signature over each, a form instead of
JSON, a caller's headers as members of the body. Off the common path: only targets whose facts say so come here."""

from typing import TYPE_CHECKING

import msgspec

from turnpike.wire.dialects.common.body import change_members
from turnpike.wire.dialects.common.form_request import form_type

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.head import RequestHead
    from turnpike.relay.target import Target
    from turnpike.relay.upstream import Source

_JSON_TYPE = b"content-type: application/json"
_words = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_list = msgspec.json.Decoder(list[str]).decode


def unusual_head(call: "Call", target: "Target", body: "bytes | Source") -> bytes:
    """The whole head of a request to a target that is `unusual`."""
    if target.stream_path is not None and call.streams:
        path = target.stream_path
        common = call.head.stream_heads.get(target) or call.head.upstream_head(target, stream=True)
    else:
        path = target.path
        common = call.head.upstream_heads.get(target) or call.head.upstream_head(target)
    if target.takes_form and isinstance(body, bytes):
        before, _, after = common.rpartition(_JSON_TYPE)
        common = before + b"content-type: " + form_type(body) + after
    # What is too large for memory is never signed: such forms go to providers that take a plain key.
    signed = _signature(call, target, path, body) if target.signer is not None and isinstance(body, bytes) else b""
    return b"%b%b\r\ncontent-length: %d\r\n%b\r\n" % (common, call.request_id_raw, len(body), signed)


def _signature(call: "Call", target: "Target", path: bytes, body: bytes) -> bytes:
    assert target.signer is not None
    relay = call.relay
    now_s = relay.now() + relay.wall_offset_ms / 1000
    plain, _, query = path.decode().partition("?")
    headers = (("host", target.host.decode()), ("content-type", "application/json"))
    added = target.signer.sign("POST", plain, query, headers, body, now_s)
    return b"".join(f"{name}: {value}\r\n".encode() for name, value in added)


def with_header_members(body: bytes, head: "RequestHead", members: dict[str, str]) -> bytes:
    """The body with words of the caller's headers as lists: `anthropic-beta: a,b` becomes `anthropic_beta`, beside
    what stands there already."""
    added: dict[str, object] = {}
    for name, member in members.items():
        words = [word.strip() for value in _values(head, name) for word in value.split(",") if word.strip()]
        if words:
            added[member] = list(dict.fromkeys([*_present(body, member), *words]))
    return change_members(body, (), added) if added else body


def _values(head: "RequestHead", name: str) -> list[str]:
    raw = name.encode()
    return [value.decode("latin-1") for each, value in head.pairs if each == raw]


def _present(body: bytes, member: str) -> list[str]:
    raw = _words(body).get(member)
    try:
        return [] if raw is None else _list(raw)
    except msgspec.ValidationError:
        return []
