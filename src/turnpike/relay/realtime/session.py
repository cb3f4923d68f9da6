"""A realtime session: messages go both ways as they came; each response is admitted before it is asked for.

A side that does not keep up stops the other being read. Whichever side ends, the other is told with the same code, or
with one that says what happened: 1001 the gateway stops or the session's time is over, 1008 the key is no longer good,
1009 a message is too large, 1011 the other side is gone.
"""

from typing import TYPE_CHECKING

from wsproto.events import BytesMessage, Ping, Pong, TextMessage

from turnpike.contract.events import Outcome
from turnpike.errors import InvalidRequest, PolicyRefused, TurnpikeError, Unauthenticated, Unavailable
from turnpike.relay.keys import Entry
from turnpike.relay.realtime import ends
from turnpike.relay.realtime.ends import End
from turnpike.relay.realtime.opening import check
from turnpike.relay.realtime.turns import Turn, Turns
from turnpike.relay.realtime.watch import Watch
from turnpike.relay.redact import redact_bytes
from turnpike.relay.refusals import reason_of
from turnpike.wire.dialects.openai_realtime import (
    ClientEvent,
    ServerEvent,
    read_client_event,
    read_server_event,
    write_error_event,
)

if TYPE_CHECKING:
    from turnpike.relay.guards.realtime import RealtimeGuard
    from turnpike.relay.realtime.upgrade import Upgrade

_GOODBYE_S = 3.0
"""How long a side may take to answer a close."""


class Session:
    """From the answer to the upgrade to the end of both sides."""

    def __init__(self, upgrade: "Upgrade", turns: Turns, watch: Watch, down: End, up: End) -> None:
        """`down` is the caller's side, `up` the provider's."""
        self._relay = upgrade.relay
        self._connection = upgrade.connection
        self._head = upgrade.head
        self._request_id = upgrade.request_id
        self._model = upgrade.model
        self._started = self._heard = upgrade.started
        self._turns = turns
        turns.when_refused = self._stop_response
        self._watch = watch
        self.down = down
        self.up = up
        self._waiting: list[str] = []
        """Messages of the caller behind one whose key is being checked again."""
        self._checking = False
        self._held: Turn | None = None
        """A response that a gate holds up."""
        self._drains = False
        self._ended_at: float | None = None

    # ---- Listener

    def on_message(self, end: End, message: str | bytes) -> None:
        self._heard = self._relay.tick.now
        if self._ended_at is not None:
            return
        if end is self.up:
            self._from_provider(message)
        elif isinstance(message, str):
            self._from_caller(message)
        else:
            self._tell_caller(InvalidRequest("Events are sent as text, not as binary messages."), None)

    def on_signal(self, end: End, signal: Ping | Pong) -> None:
        self._heard = self._relay.tick.now
        other = self._other(end)
        other.send(Ping(bytes(signal.payload)) if isinstance(signal, Ping) else Pong(bytes(signal.payload)))

    def on_close(self, end: End, code: int, reason: str) -> None:
        by_caller = end is self.down
        if code == ends.ABNORMAL:
            told = ends.GOING_AWAY if by_caller else ends.FAULT
            reason = "the caller is gone" if by_caller else "the provider broke off"
        else:
            told = ends.NORMAL if code == ends.NO_STATUS else code
        outcome, what = (Outcome.CANCELLED, "CLIENT_GONE") if by_caller else (Outcome.CUT, "UPSTREAM_CUT")
        self._end(told, reason, outcome, what)

    def on_full(self, end: End) -> None:
        self._other(end).pause()

    def on_room(self, end: End) -> None:
        other = self._other(end)
        if not (other is self.down and self._checking):
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
        guard = self._watch.guard
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
        self.down.pause()

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
        turn = Turn(self._relay, self._connection, self._head, self._turns.entry, self._model, self._request_id)
        self._refuse_response(turn, event, error)

    def _pass_on(self, event: ClientEvent, text: str) -> None:
        turns = self._turns
        if event.asks:
            if not turns.entry.alive:
                self._check_again(text)
                return
            if not self._admit(event, text):
                return
        else:
            turns.sent(event)
        self.up.send(TextMessage(text))

    def _admit(self, event: ClientEvent, text: str) -> bool:
        """One response. What is refused is not passed on; what a gate holds is passed on when it lets it pass."""
        turns = self._turns
        turn: Turn | None = None
        try:
            check(self._relay, self._connection, self._head, turns.entry)
            turn = turns.prepare(event, lambda error: self._decided(text, event, error))
            assert turn.admission is not None
            if not turn.admission.enter():
                self._held = turn
                self._checking = True
                self.down.pause()
                return False
            turns.ask(turn)
        except TurnpikeError as error:
            self._refuse_response(turn, event, error)
            return False
        return True

    def _decided(self, text: str, event: ClientEvent, error: TurnpikeError | None) -> None:
        """A gate that held a response has made up its mind."""
        turn, self._held = self._held, None
        if turn is None:
            return
        try:
            if error is not None:
                raise error
            self._turns.ask(turn)
            self.up.send(TextMessage(text))
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
        self.up.send(TextMessage('{"type":"response.cancel"}'))

    def _go_on(self) -> None:
        """Takes up what the caller has said meanwhile."""
        waiting, self._waiting = self._waiting, []
        self.down.resume()
        for text in waiting:
            self._from_caller(text)

    def _check_again(self, text: str | None) -> None:
        """The key was revoked, changed, or only forgotten: control is asked before anything further is done for it."""
        assert self._head.digest is not None
        if text is not None:
            self._waiting.append(text)
        self._checking = True
        self.down.pause()
        self._relay.keys.resolve(self._head.digest, self._relay.now(), self._checked, self._head.token)

    def _checked(self, found: Entry | Unauthenticated | Unavailable) -> None:
        self._checking = False
        if self._ended_at is not None:
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
        self._turns.entry = self._head.entry = found
        self._go_on()

    def _from_provider(self, message: str | bytes) -> None:
        down, turns = self.down, self._turns
        guard = self._watch.guard
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
                message = redact_bytes(message.encode(), self._turns.hidden).decode()
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
        try:
            passed, refusal = guard.heard(event, message)
        except TurnpikeError as error:
            self._tell_caller(error, None)
            return
        for each in passed:
            self.down.send(TextMessage(each))
        if refusal is not None:
            self._stop_response(refusal)

    def _tell_caller(self, error: TurnpikeError, event_id: str | None) -> None:
        own_id = f"event_{self._relay.ids.next_bytes().hex()}"
        self.down.send(TextMessage(write_error_event(error, event_id, own_id)))

    def _other(self, end: End) -> End:
        return self.up if end is self.down else self.down

    # ---- ends

    def _end(self, code: int, reason: str, outcome: Outcome, what: str) -> None:
        """Both sides are told, and what still runs is settled. The second time it does nothing."""
        if self._ended_at is not None:
            return
        self._ended_at = self._relay.tick.now
        held, self._held = self._held, None
        if held is not None:
            held.settle(Outcome.CANCELLED, 499, "CLIENT_GONE")
        self._turns.end(outcome, 499 if outcome is Outcome.CANCELLED else 200, what)
        for end in (self.down, self.up):
            end.close(code, reason)
            end.resume()
        self._forget_if_gone()

    def _forget_if_gone(self) -> None:
        if self.down.gone and self.up.gone:
            self._relay.sessions.discard(self)

    def _stop(self) -> None:
        self._end(ends.GOING_AWAY, "the gateway is stopping", Outcome.CANCELLED, "CLIENT_GONE")

    def wind_up(self) -> None:
        """The relay drains: the session ends with the response that is under way."""
        self._drains = True
        if not self._turns.running:
            self._stop()

    def shut(self) -> None:
        """Nobody waits any longer."""
        self._stop()

    def sweep(self, now: float) -> None:
        """Called with the relay's sweep."""
        settings = self._relay.settings
        if self._ended_at is not None:
            self._forget_if_gone()
            if now - self._ended_at > _GOODBYE_S:
                self.down.abort()
                self.up.abort()
        elif now - self._heard > settings.realtime_idle_timeout_s:
            self._end(ends.GOING_AWAY, "nothing was said for too long", Outcome.CANCELLED, "CLIENT_GONE")
        elif now - self._started > settings.realtime_limit_s:
            self._end(ends.GOING_AWAY, "the session's time is over", Outcome.CANCELLED, "CLIENT_GONE")
