"""Before a realtime session: who calls, for which model, and a provider that agrees to it.

The caller's own upgrade is answered only when the provider has accepted ours, so everything that is wrong by then is
said as an ordinary HTTP answer.
"""

import asyncio
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, quote, urlencode

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Event, RejectConnection, RejectData, Request
from wsproto.utilities import LocalProtocolError

from turnpike.errors import (
    InvalidRequest,
    TurnpikeError,
    Unauthenticated,
    Unavailable,
    UpstreamGarbage,
    UpstreamRefused,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from turnpike.relay.admit import check_caller, identify
from turnpike.relay.answer import AnswerHead
from turnpike.relay.connect import absolute_target
from turnpike.relay.journal import full_error
from turnpike.relay.keys import Entry
from turnpike.relay.load.room import room
from turnpike.relay.realtime.ends import End
from turnpike.relay.redact import redact_refusal
from turnpike.relay.routing.asked import Opening
from turnpike.wire.dialects.common.errors import read_error

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target

_KEY_PROTOCOL = "openai-insecure-api-key."
"""A subprotocol's name by which browsers, which cannot set headers, send their key (OpenAI's Realtime guide)."""
_OURS = (_KEY_PROTOCOL, "openai-organization.", "openai-project.")
_REFUSAL_BYTES = 64 * 1024
_ELSEWHERE = frozenset((401, 403, 404, 408, 409, 425, 429))


def offered(head: "RequestHead") -> list[str]:
    """The subprotocols that the caller offers."""
    raw = b",".join(value for name, value in head.pairs if name == b"sec-websocket-protocol").decode("latin-1")
    return [word for part in raw.split(",") if (word := part.strip())]


def read_key(head: "RequestHead") -> None:
    """Takes the key out of the subprotocols where no header has one."""
    if head.token is None:
        keys = [word[len(_KEY_PROTOCOL) :] for word in offered(head) if word.startswith(_KEY_PROTOCOL)]
        head.token = keys[0].encode() if len(keys) == 1 and keys[0] else None


def passed_protocols(head: "RequestHead") -> list[str]:
    """Those that go to the provider: without keys and without names of its own accounts."""
    return [word for word in offered(head) if not word.startswith(_OURS)]


def model_of(head: "RequestHead") -> str:
    """Raises InvalidRequest unless the query names one model."""
    names = [value for name, value in _query(head) if name == "model"]
    if len(names) != 1 or not names[0]:
        raise InvalidRequest("The query must name one `model`: /v1/realtime?model=...", details={"param": "model"})
    return names[0]


def _query(head: "RequestHead") -> list[tuple[str, str]]:
    return parse_qsl(head.query.decode("latin-1"), keep_blank_values=True)


async def find_caller(relay: "Relay", connection: "CallerEnd", head: "RequestHead") -> Entry:
    """Raises Unauthenticated, or Unavailable when control cannot be asked."""
    entry = identify(relay, connection, head)
    if entry is not None and entry.alive:
        return entry
    assert head.digest is not None
    answer: asyncio.Future[Entry | Unauthenticated | Unavailable] = asyncio.get_running_loop().create_future()

    def found(what: Entry | Unauthenticated | Unavailable) -> None:
        if not answer.done():
            answer.set_result(what)

    relay.keys.resolve(head.digest, relay.now(), found, head.token)
    what = await answer
    if not isinstance(what, Entry):
        raise what
    head.entry = what
    return what


def check(relay: "Relay", connection: "CallerEnd", head: "RequestHead", entry: Entry) -> None:
    """Raises what keeps this caller from a further response: its key, its scope, its address, a full journal."""
    now_ms = int(relay.now() * 1000 + relay.wall_offset_ms)
    check_caller(relay, connection, head, entry, now_ms)
    if relay.journal.fault is not None and relay.journal.refuses_work:
        raise full_error()


async def dial_any(
    relay: "Relay", head: "RequestHead", plan: "Plan", request_id: str
) -> "tuple[Target, End, str | None]":
    """An open session at the first target that accepts one, and the subprotocol that it chose. Raises what the last
    one said."""
    policies = relay.catalog.snapshot.policies
    tried: tuple[Target, ...] = ()
    failure: TurnpikeError = Unavailable(f"Every deployment of '{plan.model}' rests after failures.", retry_after_s=2)
    assert head.entry is not None
    asked = Opening(head.entry, head)
    target = plan.choose(relay.tick.now, asked)
    while target is not None and len(tried) < policies.max_attempts:
        untried = [each for each in plan.targets if each not in tried]
        target = cast("Target", await room(relay, head.entry, plan.model, target, untried))
        probe = target.backend.begin()
        try:
            end, protocol = await _dial(relay, head, target, request_id)
        except TurnpikeError as error:
            failure = error
            refused = isinstance(error, UpstreamRefused)
            target.backend.ended(error, relay.now(), probe=probe)
            if refused and error.status < 500 and error.status not in _ELSEWHERE:
                break
        except BaseException:
            target.backend.left(probe=probe)
            raise
        else:
            target.backend.answered(probe=probe)
            return target, end, protocol
        tried = (*tried, target)
        target = plan.next_after(tried, relay.tick.now, asked)
    raise failure


async def _dial(relay: "Relay", head: "RequestHead", target: "Target", request_id: str) -> tuple[End, str | None]:
    socket = WSConnection(ConnectionType.CLIENT)
    handshake = _Handshake(socket, relay.settings.realtime_message_limit_bytes)
    await relay.pools.connect(target.pool.origin, lambda: handshake)
    query = [(name, value) for name, value in _query(head) if name not in ("model", "key")]
    # The provider's name of the model, with whatever else the caller's query says.
    path = target.path + b"?model=" + quote(target.upstream_model, safe="").encode()
    if query:
        path += b"&" + urlencode(query).encode()
    sent = {name for name, _ in target.headers}
    headers = [(name, value) for name, value in head.passed_on() if not name.startswith(b"sec-websocket-")]
    headers = [(name, value) for name, value in headers if name not in sent and name != target.auth]
    headers += [*target.headers, (b"x-request-id", request_id.encode())]
    request = Request(
        host=target.host.decode(),
        target=(absolute_target(target.pool.origin) + path).decode(),
        extra_headers=headers,
        subprotocols=passed_protocols(head),
    )
    try:
        async with asyncio.timeout(relay.settings.connect_timeout_s):
            accepted = await handshake.shake(socket.send(request))
    except TimeoutError as error:
        handshake.abort()
        raise UpstreamTimeout("The provider did not answer the offer of a session in time.") from error
    except BaseException:
        handshake.abort()
        raise
    if isinstance(accepted, UpstreamRefused):
        redact_refusal(accepted, target.hidden)
        raise accepted
    return handshake, accepted.subprotocol


class _Handshake(End):
    """The provider's side, until it has said yes or no."""

    def __init__(self, socket: WSConnection, limit: int) -> None:
        super().__init__(socket, limit)
        self._answer: asyncio.Future[AcceptConnection | UpstreamRefused] = asyncio.get_running_loop().create_future()
        self._refusal: RejectConnection | None = None
        self._body = b""
        self._early: list[Event] = []

    async def shake(self, request: bytes) -> AcceptConnection | UpstreamRefused:
        """Raises UpstreamUnreachable or UpstreamGarbage."""
        assert self.transport is not None
        self.transport.write(request)
        return await self._answer

    def begin(self) -> None:
        """The session listens from now on, also to what came with the answer."""
        early, self._early = self._early, []
        for event in early:
            super()._on_event(event)

    def data_received(self, data: bytes) -> None:
        try:
            super().data_received(data)
        except LocalProtocolError as error:
            self._failed(UpstreamGarbage(f"The provider's answer to the offer of a session is broken: {error}."))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._refusal is not None:
            self._refused(self._refusal)
        self._failed(UpstreamUnreachable("The provider closed the connection without an answer."))
        super().connection_lost(exc)

    def _on_event(self, event: Event) -> None:
        if isinstance(event, AcceptConnection):
            if not self._answer.done():
                self._answer.set_result(event)
        elif isinstance(event, RejectConnection):
            self._refusal = event
            if not event.has_body:
                self._refused(event)
        elif isinstance(event, RejectData):
            self._body = (self._body + event.data)[:_REFUSAL_BYTES]
            if event.body_finished and self._refusal is not None:
                self._refused(self._refusal)
        elif self.listener is None:
            self._early.append(event)
        else:
            super()._on_event(event)

    def _tell_closed(self, code: int, reason: str) -> None:
        if not self._answer.done():
            self._failed(UpstreamGarbage(f"The provider's answer to the offer of a session is broken: {reason}."))
        super()._tell_closed(code, reason)

    def _refused(self, refusal: RejectConnection) -> None:
        if not self._answer.done():
            error = read_error(refusal.status_code, self._body)
            pairs = [(bytes(name).lower(), bytes(value).strip()) for name, value in refusal.headers]
            error.retry_after_s = AnswerHead(refusal.status_code, pairs=pairs).retry_after_s() or error.retry_after_s
            self._answer.set_result(error)

    def _failed(self, error: TurnpikeError) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
