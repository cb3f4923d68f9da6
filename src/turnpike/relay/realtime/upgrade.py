"""The offer of an upgrade to a realtime session, until it is answered: with a session, or with an ordinary error."""

import asyncio
from typing import TYPE_CHECKING

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.utilities import RemoteProtocolError

from turnpike.contract.events import Outcome
from turnpike.errors import InvalidRequest, TurnpikeError, Unavailable
from turnpike.relay.keys import Entry
from turnpike.relay.realtime.ends import End
from turnpike.relay.realtime.opening import check, dial_any, find_caller, model_of, passed_protocols, read_key
from turnpike.relay.realtime.session import Session
from turnpike.relay.realtime.turns import Turn, Turns
from turnpike.relay.realtime.watch import Watch
from turnpike.relay.refusals import reason_of
from turnpike.relay.routing.asked import Opening

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.protocol import ClientConnection
    from turnpike.relay.routing.plan import Plan


class Upgrade:
    """A `Conversation` of its connection, and what the relay knows of a session that is being opened."""

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: "RequestHead") -> None:
        self.relay = relay
        self.connection = connection
        self.head = head
        self.request_id = head.request_id or relay.ids.next_bytes().hex()
        self.model = ""
        self.started = relay.tick.now
        self._entry: Entry | None = None
        self._task: asyncio.Task[None] | None = None
        self._drains = False

    def start(self) -> None:
        self.connection.conversation = self
        self.connection.closing = True  # behind the offer of an upgrade comes that protocol, or nothing
        self.relay.sessions.add(self)
        self._task = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            await self._try_to_open()
        except TurnpikeError as error:
            self._refuse(error)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the caller the answer
            self.relay.log.failure("realtime session failed", error, request_id=self.request_id)
            self._refuse(TurnpikeError())

    async def _try_to_open(self) -> None:
        relay, connection, head = self.relay, self.connection, self.head
        entry = await self._admit()
        plan = self._plan(entry)
        own = WSConnection(ConnectionType.SERVER)
        # Before the provider is asked: raises for an offer that is none.
        self._offer(own)
        target, up, chosen = await dial_any(relay, head, plan, self.request_id)
        if connection.closed:
            up.abort()
            relay.sessions.discard(self)
            return
        turns = Turns(relay, connection, head, entry, plan, target, model=self.model, request_id=self.request_id)
        watch = Watch(relay, head, plan, turns, request_id=self.request_id)
        about = target.answer_head + (plan.routed.lines(target) if plan.routed else b"")
        answer = own.send(self._acceptance(chosen, about))
        self._begin(Session(self, turns, watch, End(own, relay.settings.realtime_message_limit_bytes), up), answer)

    async def _admit(self) -> Entry:
        """Raises what keeps this caller from a session."""
        relay, head = self.relay, self.head
        if not head.is_websocket:
            raise InvalidRequest("This is a WebSocket: send `Upgrade: websocket`, and Sec-WebSocket-Version 13.")
        if relay.draining:
            raise Unavailable("The gateway is stopping. Try again.", retry_after_s=2)
        read_key(head)
        entry = await find_caller(relay, self.connection, head)
        check(relay, self.connection, head, entry)
        self._entry = entry
        return entry

    def _plan(self, entry: Entry) -> "Plan":
        """Raises InvalidRequest, or what Catalog.plan raises."""
        head = self.head
        self.model = model_of(head)
        plan = entry.profile.plans.get((head.route.label, self.model))
        if plan is None:
            plan = entry.profile.make_plan(head.route, self.model)
        return plan if plan.router is None else plan.router.plan_for(Opening(entry, head))

    def _offer(self, own: WSConnection) -> None:
        """Raises InvalidRequest."""
        head = self.head
        pairs = [(name, value) for name, value in head.pairs if name != b"content-length"]
        try:
            own.initiate_upgrade_connection(pairs, head.target.decode("latin-1"))
            for _ in own.events():
                pass
        except RemoteProtocolError as error:
            raise InvalidRequest(f"The offer of a WebSocket is not right: {error}.") from error

    def _acceptance(self, chosen: str | None, about: bytes) -> AcceptConnection:
        """`chosen`: the provider's subprotocol; `about`: lines of headers."""
        protocol = chosen if chosen in passed_protocols(self.head) else None
        extra = [(b"x-request-id", self.request_id.encode())]
        for line in about.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name:
                extra.append((name, value))
        return AcceptConnection(subprotocol=protocol, extra_headers=extra)

    def _begin(self, session: Session, answer: bytes) -> None:
        """From here on both sides tell the session."""
        relay = self.relay
        relay.sessions.discard(self)
        relay.sessions.add(session)
        transport, ahead = self.connection.take_over()
        session.down.connection_made(transport)
        session.down.listener = session
        transport.write(answer)
        transport.set_protocol(session.down)
        transport.resume_reading()
        relay.metrics.count_other("GET", self.head.route.label, 101, relay.now() - self.started)
        if ahead:
            session.down.data_received(ahead)
        session.up.listener = session
        session.up.begin()
        if self._drains:
            session.shut()

    def _refuse(self, error: TurnpikeError) -> None:
        self.relay.sessions.discard(self)
        if self._entry is not None:
            turn = Turn(self.relay, self.connection, self.head, self._entry, self.model, self.request_id)
            turn.reason = reason_of(error)
            turn.settle(Outcome.REFUSED, error.status, error.code)
        else:
            self.relay.metrics.count_other("GET", self.head.route.label, error.status, 0.0)
        if not self.connection.closed:
            self.relay.answer_error(self.connection, self.head.route.dialect, error, self.request_id)

    # ---- Conversation

    def client_gone(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self.relay.sessions.discard(self)

    def client_stalled(self) -> None:
        return

    def client_ready(self) -> None:
        return

    # ---- as Session

    def wind_up(self) -> None:
        """The relay drains: a session that still opens ends at once."""
        self._drains = True

    def shut(self) -> None:
        """Nobody waits any longer."""
        self.client_gone()

    def sweep(self, now: float) -> None:
        """What takes too long ends by the timeouts of dialling."""
