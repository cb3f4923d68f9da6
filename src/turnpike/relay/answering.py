"""How a call answers its caller, and how it ends: settled once, everything it holds let go of.

What leads there is in `turnpike.relay.call`.
"""

import asyncio
import re
from typing import TYPE_CHECKING

from turnpike.contract.events import Abandoned, Outcome
from turnpike.errors import BudgetSpent, TurnpikeError
from turnpike.relay.attempt import Attempt
from turnpike.relay.gates import Hold
from turnpike.relay.keys import Entry
from turnpike.relay.outlets import Outlet
from turnpike.relay.passage.stored import Stored
from turnpike.relay.refusals import reason_of
from turnpike.relay.settle import settle, settle_answered
from turnpike.wire.dialect import Head
from turnpike.wire.refusals import quota_status

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.head import RequestHead
    from turnpike.relay.load.fair import Ticket
    from turnpike.relay.load.queue import Waits
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target
    from turnpike.wire.dialect import Dialect

_UNPRINTABLE = re.compile(rb"[^ -~]")
_DROPPED_BYTES = 1000
_JSON = b"content-type: application/json\r\n"
_UNBUFFERED = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"


class Answering:
    """What a call knows of itself. Defaults stand on the class: a call sets only what it reaches."""

    relay: "Relay"
    connection: "CallerEnd"
    head: "RequestHead"
    body: bytes
    route: "Route"
    dialect: "Dialect"
    started: float
    """Monotonic seconds."""
    started_at_ms: int
    event_id: bytes
    request_id: str
    request_id_raw: bytes
    entry: Entry
    """Set, with `identified`, when it is known who calls."""
    fields: Head
    plan: "Plan"
    identified = False
    attempt: Attempt | None = None
    """The attempt in hand. Call and attempt know each other: it is let go at the end, or only the collector could
    free them."""
    model = ""
    streams = False
    stream_type = b"content-type: text/event-stream; charset=utf-8\r\n"
    tried: "tuple[Target, ...]" = ()
    attempts = 0
    abandoned: tuple[Abandoned, ...] = ()
    reserved_nanousd = 0
    charged: tuple[str, ...] = ()
    moved = False
    holds: tuple[Hold, ...] = ()
    target_holds: tuple[Hold, ...] = ()
    extra_headers = b""
    units = 1
    cache: str | None = None
    """How the cache had to do with it, for the ledger: `exact`, `semantic`."""
    outlets: tuple[Outlet, ...] = ()
    """Who sees the answer before the caller does, in this order."""
    route_lines = b""
    """Of `extra_headers`: what a route has to say."""
    why = "unavailable"
    """What went wrong with the last target, in a word: why another model is tried."""
    mirror_of: bytes | None = None
    """Of a copy: the event of the call that it is a copy of."""
    reason: str | None = None
    """Which rule refused it, for the ledger."""
    committed = False
    """The caller has the first bytes of a streamed answer: there is no other attempt any more."""
    settled = False
    ended = False
    stored: Stored | None = None
    """Set when the call has to do with objects that its provider stores."""
    waiting: "Ticket[Waits] | None" = None
    """Its place in the queue for room."""
    _timer: asyncio.TimerHandle | None = None

    # ---- answers

    def answered(self, attempt: Attempt, body: bytes) -> None:
        """A whole answer in the caller's dialect."""
        for outlet in self.outlets:
            seen = outlet.whole(attempt, body)
            if seen is None:
                return
            body = seen
        self.deliver(attempt, body)

    def deliver(self, attempt: Attempt, body: bytes) -> None:
        """A whole answer that all outlets have seen."""
        if self.stored is not None and self.stored.holds_back(attempt, body):
            return
        usage = attempt.usage
        cost = settle(self, Outcome.OK, 200) if usage is None else settle_answered(self, attempt, usage)
        self.ended = True
        if cost is None or attempt.dropped:
            headers = _JSON + self._headers(attempt)
            if cost is not None:
                headers += b"x-turnpike-cost: %d.%09d\r\n" % divmod(cost, 1_000_000_000)
        else:
            # Compiled code fills plain %b and %d in by itself: of the digits behind the point the first is cut off.
            behind_point = b"%d" % (1_000_000_000 + cost % 1_000_000_000)
            headers = b"%b%b%bx-request-id: %b\r\nx-turnpike-attempts: %d\r\nx-turnpike-cost: %d.%b\r\n" % (
                _JSON, attempt.target.answer_head, self.extra_headers, self.request_id_raw, attempt.number,
                cost // 1_000_000_000, behind_point[1:],
            )  # fmt: skip
        self.connection.answer_any(200, headers, body)
        self.attempt = None

    def answer_kept(self, headers: bytes, data: bytes) -> None:
        """A kept answer, settled already: whole, or all that a stream says."""
        self._end()
        headers += self.extra_headers
        if self.streams:
            self.connection.start_stream(200, headers + self.stream_type + _UNBUFFERED, data)
            self.connection.end_stream(b"")
        else:
            self.connection.answer_any(200, _JSON + headers, data)

    def pass_on(self, attempt: Attempt, data: bytes) -> None:
        """Data of a stream in the caller's dialect."""
        if self.stored is not None:
            self.stored.watch(attempt, data)
        if self.committed:
            self.connection.stream(data)
        elif data:
            self.committed = True
            self.connection.start_stream(200, self._headers(attempt) + self.stream_type + _UNBUFFERED, data)

    def complete(self, attempt: Attempt) -> None:
        """The stream's end marker is about to go to the caller, who takes the answer for whole then."""
        error = attempt.stream_error
        if error is not None:
            settle(self, Outcome.UPSTREAM_ERROR, 200, error.code)
        elif not self.settled and attempt.usage is not None:
            settle_answered(self, attempt, attempt.usage)
        else:
            settle(self, Outcome.OK, 200)

    def stream_ended(self, attempt: Attempt, data: bytes) -> None:
        if self.stored is not None:
            self.stored.watch(attempt, data)
            if self.stored.holds_end(attempt, data):
                return
        self.ended = True
        if not self.committed:
            self.pass_on(attempt, data)
            data = b""
        self.connection.end_stream(data)
        self.attempt = None

    def withhold(self, attempt: Attempt, error: TurnpikeError, data: bytes = b"") -> None:
        """An outlet lets no more of an answer go on than `data`; what it costs is charged all the same."""
        attempt.cancel()
        if not self.committed and not data:
            self._answer_error(Outcome.REFUSED, error)
            return
        if data:
            self.pass_on(attempt, data)
        self.reason = reason_of(error)
        settle(self, Outcome.REFUSED, 200, error.code)
        self._end()
        self.connection.end_stream(self.dialect.write_stream_error(error, self.request_id))

    # ---- endings

    def _refuse(self, error: TurnpikeError) -> None:
        """This attempt was not sent; the call is refused if none was."""
        self._answer_error(Outcome.UPSTREAM_ERROR if self.attempts else Outcome.REFUSED, error)

    def _fail(self, error: TurnpikeError) -> None:
        self._answer_error(Outcome.UPSTREAM_ERROR, error)

    def fault(self, error: Exception) -> None:
        """A bug of ours: the caller gets a request id that the log explains."""
        if self.ended:
            return
        self.relay.log.failure("call failed", error, request_id=self.request_id)
        if self.attempt is not None:
            self.attempt.cancel()
        if self.committed:
            settle(self, Outcome.FAILED, 500, TurnpikeError.code)
            self._end()
            self.connection.abort()
        else:
            self._answer_error(Outcome.FAILED, TurnpikeError())

    def _answer_error(self, outcome: Outcome, error: TurnpikeError) -> None:
        if isinstance(error, BudgetSpent):
            error.status = quota_status(self.dialect.name)
        self.reason = reason_of(error)
        settle(self, outcome, error.status, error.code)
        if not self.identified:
            seconds = self.relay.now() - self.started
            self.relay.metrics.count_other(self.route.method, self.route.label, error.status, seconds)
        extra = self.extra_headers
        if self.attempts:
            extra += b"x-turnpike-attempts: %d\r\n" % self.attempts
        self._end()
        self.relay.answer_error(self.connection, self.dialect, error, self.request_id, extra)

    def client_gone(self) -> None:
        """The caller left: the upstream is stopped, and what it produced is charged."""
        if self.ended:
            return
        if self.attempt is not None:
            self.attempt.cancel()
        settle(self, Outcome.CANCELLED, 499, "CLIENT_GONE")
        self._end()

    def client_stalled(self) -> None:
        if self.attempt is not None:
            self.attempt.pause()

    def client_ready(self) -> None:
        if self.attempt is not None:
            self.attempt.resume()

    def _end(self) -> None:
        self.ended = True
        self.attempt = None
        if self.waiting is not None:
            self.relay.load.leave(self.waiting)
        if self._timer is not None:
            self._timer.cancel()

    def _headers(self, attempt: Attempt) -> bytes:
        """Without a cost: a stream's is not known before its end, an unpriced call has none."""
        headers = b"%bx-request-id: %b\r\nx-turnpike-attempts: %d\r\n" % (
            attempt.target.answer_head, self.request_id_raw, attempt.number,
        )  # fmt: skip
        if self.extra_headers:
            headers += self.extra_headers
        if attempt.dropped:
            headers += b"x-turnpike-dropped: %b\r\n" % _printable(", ".join(attempt.dropped))
        return headers


def _printable(text: str) -> bytes:
    """A caller's own words, fit for a header."""
    return _UNPRINTABLE.sub(b"?", text.encode("ascii", "replace"))[:_DROPPED_BYTES]
