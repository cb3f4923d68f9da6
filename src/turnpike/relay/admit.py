"""Decides whether a call may go on: who is calling, from where, with which scope, for which model.

Ends with a plan in the call's hand. Limits and budgets are gates (turnpike.relay.gates), which follow.
"""

import zlib
from typing import TYPE_CHECKING

from turnpike.contract.scopes import SCOPE_BIT, to_names
from turnpike.errors import InvalidRequest, Maintenance, ScopeMissing, TurnpikeError, UnsupportedMedia
from turnpike.relay.defaults import name_default
from turnpike.relay.journal import full_error
from turnpike.relay.keys import Entry, expired_key, missing_key
from turnpike.relay.reading import too_large
from turnpike.wire.dialect import Head

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.routing.plan import Plan

_ADMIN = SCOPE_BIT["admin"]


def identify(relay: "Relay", connection: "CallerEnd", head: "RequestHead") -> Entry | None:
    """The caller's entry, or None when control has to be asked first. Raises Unauthenticated without a key, RateLimited
    when it is not known from an address that has made its requests."""
    if head.token is None:
        raise missing_key()
    if head.digest is None:
        head.digest = relay.keys.digest(head.token)
    entry = head.entry = relay.keys.known(head.digest)
    if entry is None:
        refusal = relay.check_stranger(connection, head)
        if refusal is not None:
            raise refusal
    return entry


def check_caller(relay: "Relay", connection: "CallerEnd", head: "RequestHead", entry: Entry, now_ms: int) -> None:
    """Raises Unauthenticated for an expired key, ScopeMissing, AddressForbidden or Maintenance."""
    entry.seen = relay.tick.now
    if entry.expires_at_ms and now_ms >= entry.expires_at_ms:
        raise expired_key()
    route = head.route
    if relay.closed is not None and not entry.scopes & _ADMIN:
        raise Maintenance(relay.closed.message, retry_after_s=relay.closed.retry_after_s)
    if not entry.scopes & route.scope_bit:
        raise ScopeMissing(
            f"This API key lacks the scope '{route.scope}', which {route.label} asks for.",
            details={"scope": route.scope, "scopes": to_names(entry.scopes)},
        )
    if entry.networks is not None:
        entry.check_address(relay.client_address(connection, head))


def admit(call: "Call", entry: Entry) -> "Plan":
    """Checks everything that can be known before a target is chosen, and sets what the call knows of itself by then.

    Raises the RequestError to answer with.
    """
    call.entry = entry
    call.identified = True
    head = call.head
    route = head.route
    relay = call.relay
    check_caller(relay, call.connection, head, entry, call.started_at_ms)
    if head.encoding is not None:
        call.body = decode(head.encoding, call.body, relay.settings.body_limit_bytes)
    body = call.body
    dialect = call.dialect
    fields = call.fields = dialect.read_head(body)
    if route.model_in_path:
        name_from_path(call, fields)
    model = call.model = fields.model
    call.streams = fields.stream
    plan = entry.profile.plans.get((route.label, model))
    if plan is None:
        if not model:
            model = call.model = name_default(call, entry.profile)
        plan = entry.profile.make_plan(route, model)
    reserve(call)
    return plan


def name_from_path(call: "Call", fields: Head) -> None:
    """For APIs that say in the path which model is meant and whether its answer streams. Raises InvalidRequest where
    the body names another one."""
    head = call.head
    route = head.route
    assert route.endpoint is not None
    model = head.path_model
    if fields.model not in ("", model):
        raise InvalidRequest(
            f"The path names the model '{model[:200]}' and the body another one.", details={"param": "model"}
        )
    fields.model = model
    if route.endpoint.stream is not None:
        fields.stream = route.endpoint.stream
    if fields.stream and route.forms is not None:
        call.dialect, media_type = route.forms.form_for(head.parameters())
        call.stream_type = b"content-type: %b\r\n" % media_type.encode()


def reserve(call: "Call") -> None:
    """The journal may say no."""
    journal = call.relay.journal
    if journal.fault is not None and journal.refuses_work:
        raise full_error()


def decode(encoding: bytes, body: bytes, limit: int) -> bytes:
    """Undoes a request's content encoding within the body's limit.

    Raises UnsupportedMedia for anything but gzip and deflate, BodyTooLarge, InvalidRequest for broken data.
    """
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise UnsupportedMedia(
            f"The content encoding '{encoding.decode('latin-1')[:40]}' is not taken; send gzip, deflate or none."
        )
    decoder = zlib.decompressobj(zlib.MAX_WBITS if encoding == b"deflate" else zlib.MAX_WBITS | 16)
    try:
        decoded = decoder.decompress(body, limit + 1)
    except zlib.error as error:
        raise _broken(encoding) from error
    if len(decoded) > limit:
        raise too_large(limit)
    if not decoder.eof:
        raise _broken(encoding)
    return decoded


def _broken(encoding: bytes) -> TurnpikeError:
    return InvalidRequest(f"The body is not {encoding.decode()}, although its Content-Encoding says so.")
