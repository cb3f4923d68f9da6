"""One model call, from its request to its settled answer.

    start -> (identify) -> admit -> gates -> attempt -> answer | stream -> settle
                                                ^   |
                                                +---+  another target, as long as the caller has no byte

Every step is a callback: the caller's connection drives the call until it is sent, an `Attempt` from there on. A gate
(turnpike.relay.gates) may hold a call up, refuse it, or answer it.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.contract.events import Outcome
from turnpike.errors import TurnpikeError, Unauthenticated, Unavailable, UpstreamRefused, UpstreamTimeout
from turnpike.relay.admit import admit, identify
from turnpike.relay.answering import Answering
from turnpike.relay.attempt import Attempt
from turnpike.relay.gates import Gate, gates_of, release_target
from turnpike.relay.keys import Entry
from turnpike.relay.limits.estimates import bounded, expected
from turnpike.relay.load.again import WAIT_AT_MOST_S, back_off_s, back_to, rest_of, worth_retrying
from turnpike.relay.money.bounding import bound_of, extend
from turnpike.relay.passage.stored import Stored, concerns
from turnpike.relay.routing.reasons import ANOTHER_MODEL, why
from turnpike.relay.settle import abandon, settle
from turnpike.wire.bounds import Bound, Contents, contents_of
from turnpike.wire.refusals import said_in

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target

_SHORTLY_S = 0.05
"""What a rest counts at least, of those that a caller is made to wait for."""


class Call(Answering):
    """State of one call, and its way to an attempt."""

    _rested_s = 0.0
    """How long it was made to wait for providers that wanted a rest."""
    _gates: tuple[Gate, ...] = ()
    _passed = 0
    _chosen: "Target | None" = None
    """The target whose gates are being passed."""
    _read: bytes | None = None
    """The body that `_contents` is of."""
    _contents: Contents

    def __init__(self, relay: "Relay", connection: "CallerEnd", head: "RequestHead", body: bytes) -> None:
        self.relay = relay
        self.connection = connection
        self.head = head
        self.body = body
        self.route = route = head.route
        self.dialect = route.call_dialect
        self.started = started = relay.now()
        self.started_at_ms = started_at_ms = int(started * 1000 + relay.wall_offset_ms)
        self.event_id = event_id = relay.ids.at(started_at_ms)
        self.request_id = request_id = head.request_id or event_id.hex()
        self.request_id_raw = request_id.encode()

    def contents(self) -> Contents:
        """What is to be known of the body for its bounds; a gate may have changed it meanwhile."""
        body = self.body
        if self._read is not body:
            self._read = body
            self._contents = contents_of(body)
        return self._contents

    def bound_nanousd(self, bounds: tuple[Bound, ...]) -> int | None:
        """The most that the call can cost at any of these deployments; None: not to be known."""
        return bound_of(self, bounds)

    def admitted(self, entry: Entry) -> "Plan":
        """Raises the RequestError to answer with. This, and the next, differ where request or answer is no JSON."""
        return admit(self, entry)

    def attempt_at(self, target: "Target") -> Attempt:
        return Attempt(self, target, self.attempts + 1)

    # ---- towards the upstream

    def start(self) -> None:
        self.connection.conversation = self
        head = self.head
        entry = head.entry
        try:
            if entry is None or not entry.alive:
                entry = identify(self.relay, self.connection, head)
                if entry is None:
                    assert head.digest is not None
                    self.relay.keys.resolve(head.digest, self.started, self._identified, head.token)
                    return
            plan = self.admitted(entry)
            if plan.router is not None:
                plan = plan.router.plan_for(self)
            self.plan = plan
            gates = entry.gates if entry.gated is plan else gates_of(self.relay, entry, self.route, plan)
            watched = self.route.watched
            if watched is not None and concerns(watched, self):
                self._gates = gates
                self.stored = Stored(self, watched)
                self.stored.begin()
                return
        except TurnpikeError as error:
            self._refuse(error)
            return
        if gates:
            self._gates = gates
            self._pass_gates()
        else:
            self._send_first()

    def _pass_gates(self) -> None:
        """Enters the gates that are left, and goes on behind the last one."""
        gates = self._gates
        target = self._chosen
        try:
            while self._passed < len(gates):
                gate = gates[self._passed]
                self._passed += 1
                if not gate.enter(self):
                    return
        except TurnpikeError as error:
            if target is None:
                self._refuse(error)
            else:
                self._not_sent(target, error)
            return
        if target is None:
            self._send_first()
        else:
            self._send_to(target)

    def _send_first(self) -> None:
        target = self.plan.choose(self.relay.tick.now, self)
        if target is None:
            self._all_rest()
        else:
            self.go_to(target)

    def go_to(self, target: "Target") -> None:
        """The target that was chosen, if it has room; else the call waits, or goes elsewhere."""
        gauge = target.gauge
        if gauge.in_flight >= gauge.room or self.relay.load.pressed:
            self.relay.load.place(self, target)
        else:
            self._take(target)

    def _take(self, target: "Target") -> None:
        if target.gates:
            self._enter(target)
        else:
            self._send_to(target)

    def _enter(self, target: "Target") -> None:
        """Passes the gates of the target that was chosen."""
        self._chosen = target
        self._gates = target.gates
        self._passed = 0
        self._pass_gates()

    def _send_to(self, target: "Target") -> None:
        routed = self.plan.routed
        if routed is not None:
            routed.sends(self, target)
        try:
            self.attempt_at(target).send()
        except TurnpikeError as error:
            self._not_sent(target, error)

    def go_on(self) -> None:
        """The gate, or whoever else held the call, lets it pass."""
        if not self.ended:
            self._guarded(self._pass_gates)

    def take(self, target: "Target") -> None:
        """There is room at this target for a call that had to wait, or to be looked at."""
        if not self.ended:
            self._guarded(lambda: self._take(target))

    def resume(self) -> None:
        """The call waited for room at targets that nothing can be sent to any more: what else is there?"""
        if not self.ended:
            self._guarded(self._try if self.tried else self._send_first)

    def turn_away(self, error: TurnpikeError) -> None:
        """There is no room for this call, whatever its targets."""
        if not self.ended:
            self._refuse(error)

    def refuse(self, error: TurnpikeError) -> None:
        """The gate, or whoever else held the call, does not."""
        if self.ended:
            return
        if self._chosen is not None:
            self._not_sent(self._chosen, error)
        else:
            self._refuse(error)

    def _identified(self, found: "Entry | Unauthenticated | Unavailable") -> None:
        """Control has said who is calling."""
        if self.ended:
            return
        if not isinstance(found, Entry):
            self._refuse(found)
            return
        self.head.entry = found
        self._guarded(self.start)

    def _guarded(self, step: Callable[[], None]) -> None:
        """Takes a step that nobody waits for: a bug in it must not cost the caller its answer."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - the last line of defence, as in core.py
            self.fault(error)

    def _try(self) -> None:
        """Makes a further attempt: at the first target not tried yet, or at the last one again."""
        tried = self.tried
        now = self.relay.tick.now
        target = self._next(tried)
        if target is None and tried[-1].breaker.may_pass(now):
            target = tried[-1]
        if target is None:
            self._all_rest()
        else:
            self.go_to(target)

    def _not_sent(self, target: "Target", error: TurnpikeError) -> None:
        """What the dialect of one target cannot say another's may; where one has no room another may have some."""
        if self.target_holds:
            release_target(self, None, 0)
        self.tried = (*self.tried, target)
        self.why = error.code.lower()
        if self._next(self.tried) is None:
            self._refuse(error)
        else:
            self._try()

    def _all_rest(self) -> None:
        """Waits for a provider that asked for a short rest; else the caller is told."""
        now = self.relay.now()
        target = self.relay.load.last_resort(self.plan, self.tried, now)
        if target is not None:
            self.go_to(target)
            return
        rest_s, error = rest_of(self.plan, now)
        self._rested_s += rest_s + _SHORTLY_S
        if self._rested_s <= WAIT_AT_MOST_S + _SHORTLY_S and rest_s <= self.time_left_s():
            self._try_in(back_off_s(1, rest_s))
        else:
            self._fail(error)

    def expected(self, resource: str) -> int:
        """As Governed.expected."""
        return expected(self.fields, len(self.body), resource)

    def bound_tokens(self, bounds: tuple[Bound, ...]) -> int | None:
        """The most tokens that the call can use at any of these deployments; None: not to be known."""
        return bounded(self.fields, self.contents(), self.route.operation, bounds)

    # ---- from the attempt

    def failed(self, attempt: Attempt, error: TurnpikeError) -> None:
        """The attempt is over without an answer: another one, or the error."""
        if self.ended:
            return
        if self.committed:
            settle(self, Outcome.CUT, 200, error.code)
            self._end()
            self.connection.end_stream(self.dialect.write_stream_error(error, self.request_id))
        elif self._may_retry(attempt, error):
            self._retry(attempt, error)
        elif isinstance(error, UpstreamRefused):
            self._fail(said_in(error, attempt.target.dialect.name, self.dialect.name))
        else:
            self._fail(error)

    # ---- trying again

    def _may_retry(self, attempt: Attempt, error: TurnpikeError) -> bool:
        if self.time_left_s() <= 0:
            return False
        last = attempt.number >= self.relay.catalog.snapshot.policies.max_attempts
        if last and self.plan.routed is None:
            return False
        self.why = why(error)
        elsewhere = self._elsewhere(attempt, error) is not None
        if last and not elsewhere:
            return False
        worth = worth_retrying(error, elsewhere=elsewhere) or (elsewhere and self.why in ANOTHER_MODEL)
        return worth and self.relay.load.may_retry(self.plan, self.relay.now())

    def may_go_elsewhere(self, attempt: Attempt, *, surely: bool = False) -> bool:
        """Whether giving this attempt up would lead to another one elsewhere. `surely`: not to one that would only be
        probed."""
        if attempt.number >= self.relay.catalog.snapshot.policies.max_attempts:
            return False
        other = self._elsewhere(attempt, None)
        return other is not None and not (surely and other.breaker.tripped)

    def _elsewhere(self, attempt: Attempt, error: TurnpikeError | None) -> "Target | None":
        """Where the call may go from here. `error` None: it hangs."""
        other = self._next((*self.tried, attempt.target))
        if other is None and (error is None or isinstance(error, UpstreamTimeout)):
            return back_to(self.tried, attempt, self.relay.tick.now)
        return other

    def _next(self, tried: "tuple[Target, ...]") -> "Target | None":
        """Where to try next. Models to fall back to have an attempt each beyond those that a call has anyway."""
        now = self.relay.tick.now
        routed = self.plan.routed
        if routed is None:
            return self.plan.next_after(tried, now, self)
        if self.why in ANOTHER_MODEL or self.attempts >= self.relay.catalog.snapshot.policies.max_attempts:
            return routed.other_model(tried, now, self)
        return routed.next_after(tried, now, self)

    def _retry(self, attempt: Attempt, error: TurnpikeError) -> None:
        elsewhere = self._elsewhere(attempt, error)
        given_up = abandon(attempt, error)
        self.abandoned = (*self.abandoned, given_up)
        if given_up.cost_nanousd and not extend(self, given_up.cost_nanousd):
            self._fail(error)
            return
        self.tried = (*self.tried, attempt.target)
        if elsewhere is not None:
            self.go_to(elsewhere)
            return
        self._try_in(back_off_s(attempt.number, error.retry_after_s or 0.0))

    def _try_in(self, seconds: float) -> None:
        step = self._try if self.tried else self._send_first
        self._timer = asyncio.get_running_loop().call_later(seconds, self._guarded, step)

    def time_left_s(self) -> float:
        """Until the first byte, over all attempts."""
        return self.relay.catalog.snapshot.policies.total_timeout_s - (self.relay.now() - self.started)
