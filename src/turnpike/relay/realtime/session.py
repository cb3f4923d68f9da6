"""A realtime session: messages go both ways as they came; each response is admitted before it is asked for.

A side that does not keep up stops the other being read. Whichever side ends, the other is told with the same code, or
with one that says what happened: 1001 the gateway stops or the session's time is over, 1008 the key is no longer good,
1009 a message is too large, 1011 the other side is gone.
"""

import asyncio
from typing import TYPE_CHECKING

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Ping, Pong, TextMessage
from wsproto.utilities import RemoteProtocolError

from turnpike.contract.events import Outcome
from turnpike.errors import InvalidRequest, PolicyRefused, TurnpikeError, Unauthenticated, Unavailable
from turnpike.relay.keys import Entry
from turnpike.relay.realtime import ends
from turnpike.relay.realtime.ends import End
from turnpike.relay.realtime.opening import (
    check,
    dial_any,
    find_caller,
    model_of,
    passed_protocols,
    read_key,
)
from turnpike.relay.realtime.turns import Turn, Turns
from turnpike.relay.realtime.watch import Watch
from turnpike.relay.redact import redact_bytes
from turnpike.relay.refusals import reason_of
from turnpike.relay.routing.asked import Opening
from turnpike.wire.dialects.openai_realtime import (
    ClientEvent,
    ServerEvent,
    read_client_event,
    read_server_event,
    write_error_event,
)

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.guards.realtime import RealtimeGuard
    from turnpike.relay.head import RequestHead
    from turnpike.relay.protocol import ClientConnection

_GOODBYE_S = 3.0
"""How long a side may take to answer a close."""


class Session:
    """From the offer of an upgrade to the end of both sides."""

    def __init__(self, relay: "Relay", connection: "ClientConnection", head: "RequestHead") -> None:
        self._relay = relay
        self._connection = connection
        self._head = head
        self._request_id = head.request_id or relay.ids.next_bytes().hex()
        self._model = ""
        self._entry: Entry | None = None
        self._task: asyncio.Task[None] | None = None
        self._down: End | None = None
        self._up: End | None = None
        self._turns: Turns | None = None
        self._watch: Watch | None = None
        self._waiting: list[str] = []
        """Messages of the caller behind one whose key is being checked again."""
        self._checking = False
        self._held: Turn | None = None
        """A response that a gate holds up."""
        self._hidden: tuple[str, ...] = ()
        self._drains = False
        self._ended_at: float | None = None
        self._started = self._heard = relay.tick.now

    # ---- opening

    def start(self) -> None:
        self._connection.conversation = self
        self._connection.closing = True  # behind the offer of an upgrade comes that protocol, or nothing
        self._relay.sessions.add(self)
        self._task = asyncio.get_running_loop().create_task(self._open())

    async def _open(self) -> None:
        try:
            await self._try_to_open()
        except TurnpikeError as error:
            self._refuse(error)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug must not cost the caller the answer
            self._relay.log.failure("realtime session failed", error, request_id=self._request_id)
            self._refuse(TurnpikeError())

    async def _try_to_open(self) -> None:
        relay = self._relay
        head = self._head
        if not head.is_websocket:
            raise InvalidRequest("This is a WebSocket: send `Upgrade: websocket`, and Sec-WebSocket-Version 13.")
        if self._relay.draining:
            raise Unavailable("The gateway is stopping. Try again.", retry_after_s=2)
        read_key(head)
        entry = await find_caller(relay, self._connection, head)
        check(relay, self._connection, head, entry)
        self._entry = entry
        self._model = model_of(head)
        plan = entry.profile.plans.get((head.route.label, self._model))
        if plan is None:
            plan = entry.profile.make_plan(head.route, self._model)
        if plan.router is not None:
            plan = plan.router.plan_for(Opening(entry, head))
        own = WSConnection(ConnectionType.SERVER)
        # Before the provider is asked: raises for an offer that is none.
        self._offer(own)
        target, up, chosen = await dial_any(relay, head, plan, self._request_id)
        self._hidden = target.hidden
        self._turns = Turns(
            relay, self._connection, head, entry, plan, target, model=self._model, request_id=self._request_id
        )
        self._turns.when_refused = self._stop_response
        self._watch = Watch(relay, head, plan, self._turns, request_id=self._request_id)
        self._up = up
        if self._connection.closed:
            self.client_gone()
            return
        self._accept(own, chosen, target.answer_head + (plan.routed.lines(target) if plan.routed else b""))
        up.listener = self
        up.begin()
        if self._drains:
            self._stop()

    def _offer(self, own: WSConnection) -> None:
        """Raises InvalidRequest."""
        head = self._head
        pairs = [(name, value) for name, value in head.pairs if name != b"content-length"]
        try:
            own.initiate_upgrade_connection(pairs, head.target.decode("latin-1"))
            for _ in own.events():
                pass
        except RemoteProtocolError as error:
            raise InvalidRequest(f"The offer of a WebSocket is not right: {error}.") from error

    def _accept(self, own: WSConnection, chosen: str | None, about: bytes) -> None:
        offered = passed_protocols(self._head)
        protocol = chosen if chosen in offered else None
        extra = [(b"x-request-id", self._request_id.encode())]
        for line in about.split(b"\r\n"):
            name, _, value = line.partition(b": ")
            if name:
                extra.append((name, value))
        answer = own.send(AcceptConnection(subprotocol=protocol, extra_headers=extra))
        down = self._down = End(own, self._relay.settings.realtime_message_limit_bytes)
        transport, ahead = self._connection.take_over()
        down.connection_made(transport)
        down.listener = self
        transport.write(answer)
        transport.set_protocol(down)
        transport.resume_reading()
        seconds = self._relay.now() - self._started
        self._relay.metrics.count_other("GET", self._head.route.label, 101, seconds)
        if ahead:
            down.data_received(ahead)

    def _refuse(self, error: TurnpikeError) -> None:
        self._relay.sessions.discard(self)
        if self._entry is not None:
            turn = Turn(self._relay, self._connection, self._head, self._entry, self._model, self._request_id)
            turn.reason = reason_of(error)
            turn.settle(Outcome.REFUSED, error.status, error.code)
        else:
            self._relay.metrics.count_other("GET", self._head.route.label, error.status, 0.0)
        if not self._connection.closed:
            self._relay.answer_error(self._connection, self._head.route.dialect, error, self._request_id)

    # ---- Conversation, until the upgrade is answered

    def client_gone(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._up is not None:
            self._up.abort()
        self._relay.sessions.discard(self)

    def client_stalled(self) -> None:
        return

    def client_ready(self) -> None:
        return

    # ---- Listener

    def on_message(self, end: End, message: str | bytes) -> None:
        self._heard = self._relay.tick.now
        if self._ended_at is not None:
            return
        if end is self._up:
            self._from_provider(message)
        elif isinstance(message, str):
            self._from_caller(message)
        else:
            self._tell_caller(InvalidRequest("Events are sent as text, not as binary messages."), None)

    def on_signal(self, end: End, signal: Ping | Pong) -> None:
        self._heard = self._relay.tick.now
        other = self._other(end)
        if other is not None:
            other.send(Ping(bytes(signal.payload)) if isinstance(signal, Ping) else Pong(bytes(signal.payload)))

    def on_close(self, end: End, code: int, reason: str) -> None:
        by_caller = end is self._down
        if code == ends.ABNORMAL:
            told = ends.GOING_AWAY if by_caller else ends.FAULT
            reason = "the caller is gone" if by_caller else "the provider broke off"
        else:
            told = ends.NORMAL if code == ends.NO_STATUS else code
        outcome, what = (Outcome.CANCELLED, "CLIENT_GONE") if by_caller else (Outcome.CUT, "UPSTREAM_CUT")
        self._end(told, reason, outcome, what)

    def on_full(self, end: End) -> None:
        other = self._other(end)
        if other is not None:
            other.pause()

    def on_room(self, end: End) -> None:
        other = self._other(end)
        if other is not None and not (other is self._down and self._checking):
            other.resume()

    # ---- messages

    def _from_caller(self, text: str) -> None:
        if self._checking:
            self._waiting.append(text)
            return
        try:
            event = read_client_event(text)
        except InvalidRequest as error:
            self._tell_caller(error, None)
            return
        guard = self._watch.guard if self._watch is not None else None
        if guard is None:
            self._pass_on(event, text)
        else:
            self._look_at(guard, event, text)

    def _look_at(self, guard: "RealtimeGuard", event: ClientEvent, text: str) -> None:
        """A policy holds for this session: what it says goes on. What is refused is in the ledger."""
        try:
            shown = guard.said(text, lambda shown, error: self._looked_at(event, shown, error))
        except PolicyRefused as error:
            self._refuse_event(event, error)
            return
        if shown is not None:
            self._pass_on(event, shown)
            return
        self._checking = True
        if self._down is not None:
            self._down.pause()

    def _looked_at(self, event: ClientEvent, shown: str | None, error: TurnpikeError | None) -> None:
        """Somebody who was asked about it has answered."""
        if self._ended_at is not None:
            return
        self._checking = False
        if shown is not None:
            self._pass_on(event, shown)
        elif error is not None:
            self._refuse_event(event, error)
        if not self._checking:
            self._go_on()

    def _refuse_event(self, event: ClientEvent, error: TurnpikeError) -> None:
        assert self._entry is not None
        turn = Turn(self._relay, self._connection, self._head, self._entry, self._model, self._request_id)
        self._refuse_response(turn, event, error)

    def _pass_on(self, event: ClientEvent, text: str) -> None:
        turns = self._turns
        up = self._up
        assert turns is not None
        assert up is not None
        if event.asks:
            if not turns.entry.alive:
                self._check_again(text)
                return
            if not self._admit(event, text):
                return
        else:
            turns.sent(event)
        up.send(TextMessage(text))

    def _admit(self, event: ClientEvent, text: str) -> bool:
        """One response. What is refused is not passed on; what a gate holds is passed on when it lets it pass."""
        turns = self._turns
        assert turns is not None
        turn: Turn | None = None
        try:
            check(self._relay, self._connection, self._head, turns.entry)
            turn = turns.prepare(event, lambda error: self._decided(text, event, error))
            assert turn.admission is not None
            if not turn.admission.enter():
                self._held = turn
                self._checking = True
                if self._down is not None:
                    self._down.pause()
                return False
            turns.ask(turn)
        except TurnpikeError as error:
            self._refuse_response(turn, event, error)
            return False
        return True

    def _decided(self, text: str, event: ClientEvent, error: TurnpikeError | None) -> None:
        """A gate that held a response has made up its mind."""
        turn, self._held = self._held, None
        turns = self._turns
        if turn is None or turns is None or self._up is None:
            return
        try:
            if error is not None:
                raise error
            turns.ask(turn)
            self._up.send(TextMessage(text))
        except TurnpikeError as refusal:
            self._refuse_response(turn, event, refusal)
        self._checking = False
        self._go_on()

    def _refuse_response(self, turn: Turn | None, event: ClientEvent, error: TurnpikeError) -> None:
        if turn is not None:
            turn.reason = reason_of(error)
            turn.settle(Outcome.REFUSED, error.status, error.code)
        self._tell_caller(error, event.event_id)

    def _stop_response(self, error: TurnpikeError) -> None:
        """The provider began a response by itself that is beyond a limit."""
        self._tell_caller(error, None)
        if self._up is not None:
            self._up.send(TextMessage('{"type":"response.cancel"}'))

    def _go_on(self) -> None:
        """Takes up what the caller has said meanwhile."""
        waiting, self._waiting = self._waiting, []
        if self._down is not None:
            self._down.resume()
        for text in waiting:
            self._from_caller(text)

    def _check_again(self, text: str | None) -> None:
        """The key was revoked, changed, or only forgotten: control is asked before anything further is done for it."""
        assert self._head.digest is not None
        if text is not None:
            self._waiting.append(text)
        self._checking = True
        if self._down is not None:
            self._down.pause()
        self._relay.keys.resolve(self._head.digest, self._relay.now(), self._checked, self._head.token)

    def _checked(self, found: Entry | Unauthenticated | Unavailable) -> None:
        self._checking = False
        turns = self._turns
        if self._ended_at is not None or turns is None:
            return
        try:
            if not isinstance(found, Entry):
                raise found
            check(self._relay, self._connection, self._head, found)
            found.profile.make_plan(self._head.route, self._model)
        except TurnpikeError as error:
            self._tell_caller(error, None)
            self._end(ends.REFUSED, error.message, Outcome.CANCELLED, error.code)
            return
        turns.entry = self._head.entry = found
        self._go_on()

    def _from_provider(self, message: str | bytes) -> None:
        down = self._down
        turns = self._turns
        assert down is not None
        assert turns is not None
        guard = self._watch.guard if self._watch is not None else None
        if isinstance(message, bytes):
            refusal = guard.unread_bytes() if guard is not None else None
            if refusal is None:
                down.send(BytesMessage(message))
            else:
                self._tell_caller(refusal, None)
            return
        event = read_server_event(message)
        if event is not None:
            try:
                turns.hear(event)
            except TurnpikeError as error:
                self._tell_caller(error, None)
                self._end(ends.FAULT, error.message, Outcome.FAILED, error.code)
                return
            if event.is_error:
                message = redact_bytes(message.encode(), self._hidden).decode()
            if event.begins and not turns.entry.alive and not self._checking:
                self._check_again(None)
        if guard is None:
            down.send(TextMessage(message))
        else:
            self._show(guard, event, message)
        if self._drains and not turns.running:
            self._stop()

    def _show(self, guard: "RealtimeGuard", event: ServerEvent | None, message: str) -> None:
        """As much of what the provider says as policies let through; a response that they stop is cancelled."""
        assert self._down is not None
        try:
            passed, refusal = guard.heard(event, message)
        except TurnpikeError as error:
            self._tell_caller(error, None)
            return
        for each in passed:
            self._down.send(TextMessage(each))
        if refusal is not None:
            self._stop_response(refusal)

    def _tell_caller(self, error: TurnpikeError, event_id: str | None) -> None:
        if self._down is not None:
            own_id = f"event_{self._relay.ids.next_bytes().hex()}"
            self._down.send(TextMessage(write_error_event(error, event_id, own_id)))

    def _other(self, end: End) -> End | None:
        return self._up if end is self._down else self._down

    # ---- ends

    def _end(self, code: int, reason: str, outcome: Outcome, what: str) -> None:
        """Both sides are told, and what still runs is settled. The second time it does nothing."""
        if self._ended_at is not None:
            return
        self._ended_at = self._relay.tick.now
        held, self._held = self._held, None
        if held is not None:
            held.settle(Outcome.CANCELLED, 499, "CLIENT_GONE")
        if self._turns is not None:
            self._turns.end(outcome, 499 if outcome is Outcome.CANCELLED else 200, what)
        for end in (self._down, self._up):
            if end is not None:
                end.close(code, reason)
                end.resume()
        self._forget_if_gone()

    def _forget_if_gone(self) -> None:
        if all(end is None or end.gone for end in (self._down, self._up)):
            self._relay.sessions.discard(self)

    def _stop(self) -> None:
        self._end(ends.GOING_AWAY, "the gateway is stopping", Outcome.CANCELLED, "CLIENT_GONE")

    def wind_up(self) -> None:
        """The relay drains: the session ends with the response that is under way."""
        self._drains = True
        if self._down is not None and (self._turns is None or not self._turns.running):
            self._stop()

    def shut(self) -> None:
        """Nobody waits any longer."""
        self._stop()
        if self._down is None:
            self.client_gone()

    def sweep(self, now: float) -> None:
        """Called with the relay's sweep."""
        settings = self._relay.settings
        if self._ended_at is not None:
            self._forget_if_gone()
            if now - self._ended_at > _GOODBYE_S:
                for end in (self._down, self._up):
                    if end is not None:
                        end.abort()
        elif self._down is not None:
            if now - self._heard > settings.realtime_idle_timeout_s:
                self._end(ends.GOING_AWAY, "nothing was said for too long", Outcome.CANCELLED, "CLIENT_GONE")
            elif now - self._started > settings.realtime_limit_s:
                self._end(ends.GOING_AWAY, "the session's time is over", Outcome.CANCELLED, "CLIENT_GONE")
