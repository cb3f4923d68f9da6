"""The responses of a realtime session, each with its own open and settle records and its own row of the ledger.

A response is opened before the provider is asked for it; one that the provider begins by itself (it heard the end of a
sentence) when it says so. Its usage comes with its end. What breaks off is charged by estimate: of what the context was
at the last response's end, what was sent since, and what was heard of the answer.
"""

from collections import deque
from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING

from turnpike.contract.events import Abandoned, Outcome
from turnpike.contract.limits import Resource
from turnpike.errors import TurnpikeError, UpstreamCut
from turnpike.relay.endpoints import route_of
from turnpike.relay.gates import Hold, gates_of
from turnpike.relay.limits.estimates import OUTPUT_TOKENS
from turnpike.relay.money.bounding import bound_of_turn
from turnpike.relay.realtime.admission import Admission, RoomGate, Told
from turnpike.relay.settle import open_attempt, settle
from turnpike.wire.estimate import tokens_of_bytes
from turnpike.wire.media.usage import INPUT_AUDIO_TOKEN_MS, OUTPUT_AUDIO_TOKEN_MS
from turnpike.wire.types.usage import Usage

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.target import Target
    from turnpike.wire.bounds import Bound
    from turnpike.wire.dialects.openai_realtime import ClientEvent, ServerEvent

_TRANSCRIPTION = route_of(b"POST", b"/v1/audio/transcriptions")
_OPEN_AT_MOST = 64
"""Responses of one session that are under way; more are a defect of one side or the other."""


class Turn:
    """One response: what `turnpike.relay.settle` asks of a call and of its attempt, in one."""

    settled = False
    identified = True
    streams = True
    attempts = 0
    number = 1
    worked = False
    usage: Usage | None = None
    first_byte = 0.0
    produced_bytes = 0
    reserved_nanousd = 0
    charged: tuple[str, ...] = ()
    moved = False
    mirror_of: bytes | None = None
    reason: str | None = None
    holds: tuple[Hold, ...] = ()
    target_holds: tuple[Hold, ...] = ()
    extra_headers = b""
    units = 1
    admission: Admission | None = None
    cache: str | None = None
    ended = False
    abandoned: tuple[Abandoned, ...] = ()
    lane = None
    _in_hand = _probe = False
    asked_by: str | None = None
    """The event id of the request for it."""

    def __init__(  # noqa: PLR0917 - as many as a call has
        self,
        relay: "Relay",
        connection: "CallerEnd",
        head: "RequestHead",
        entry: "Entry",
        model: str,
        request_id: str,
    ) -> None:
        self.relay = relay
        self.connection = connection
        self.head = head
        self.entry = entry
        self.model = model
        self.request_id = request_id
        self.route = head.route
        self.started = relay.now()
        self.started_at_ms = int(self.started * 1000 + relay.wall_offset_ms)
        self.event_id = relay.ids.at(self.started_at_ms)
        self.attempt: Turn | None = None
        self.call = self
        self.estimate = Usage()

    def bound_nanousd(self, bounds: "tuple[Bound, ...]") -> int | None:
        return bound_of_turn(self, bounds)

    def open(self, target: "Target") -> None:
        """Raises Unavailable when the journal takes nothing."""
        self.target = target
        open_attempt(self, self)
        self.attempt = self
        self.attempts = 1
        self.worked = True
        self._probe = target.backend.begin()
        self._in_hand = True

    def go_on(self) -> None:
        """As Governed.go_on."""
        if self.admission is not None:
            self.admission.go_on()

    def refuse(self, error: TurnpikeError) -> None:
        """As Governed.refuse."""
        if self.admission is not None:
            self.admission.refuse(error)

    def expected(self, resource: str) -> int:
        """As Governed.expected."""
        return self.estimate.input_tokens + OUTPUT_TOKENS if resource == Resource.TOKENS else 1

    def settle(self, outcome: Outcome, status: int, code: str | None = None) -> None:
        self.ended = True
        settle(self, outcome, status, code)
        if self._in_hand:
            self._in_hand = False
            self._tell(outcome, status)

    def _tell(self, outcome: Outcome, status: int) -> None:
        """The end of it, to what keeps count of the deployment."""
        backend = self.target.backend
        if outcome is Outcome.OK:
            if self.first_byte:
                backend.heard_stream(self.first_byte - self.started, self.first_byte)
            backend.answered(probe=self._probe)
        elif outcome is Outcome.CUT or (outcome is Outcome.UPSTREAM_ERROR and status == 200):
            backend.ended(UpstreamCut("The response failed."), self.relay.now(), probe=self._probe)
        else:
            backend.left(probe=self._probe)

    def estimated_usage(self) -> Usage:
        return self.estimate


class Turns:
    """All responses of one session."""

    def __init__(  # noqa: PLR0917 - a session's parts
        self,
        relay: "Relay",
        connection: "CallerEnd",
        head: "RequestHead",
        entry: "Entry",
        plan: "Plan",
        target: "Target",
        *,
        model: str,
        request_id: str,
    ) -> None:
        self._relay = relay
        self._connection = connection
        self._head = head
        self._plan = plan
        self.entry = entry
        self._model = model
        self._request_id = request_id
        self._target = target
        self._room = RoomGate(target)
        self._asked: deque[Turn] = deque()
        """Asked for, and not begun by the provider yet."""
        self._begun: dict[str, Turn] = {}
        self._context_tokens = 0
        """Of the conversation, at the last response's end."""
        self._sent_tokens = self._sent_sound_tokens = 0
        """Since then."""
        self.when_refused: Callable[[TurnpikeError], None] = lambda _: None
        """Told when a response that the provider began by itself is beyond a limit."""
        self._hearer: str | None = None
        """The model that transcribes what is said."""

    @property
    def running(self) -> bool:
        return bool(self._asked or self._begun)

    @property
    def hidden(self) -> tuple[str, ...]:
        """What must not be told to the caller, should the provider repeat it."""
        return self._target.hidden

    # ---- from the caller

    def sent(self, event: "ClientEvent") -> None:
        """Something that is not a request for a response."""
        sound = -(-event.sound_ms // INPUT_AUDIO_TOKEN_MS)
        self._sent_sound_tokens += sound
        self._sent_tokens += sound + tokens_of_bytes(event.text_bytes)

    def prepare(self, event: "ClientEvent", told: Told) -> Turn:
        """A response whose `admission` is to be entered."""
        turn = self._make(told)
        turn.asked_by = event.event_id
        return turn

    def ask(self, turn: Turn) -> None:
        """Opens a response that was admitted. Raises Unavailable: then it must not be asked for."""
        turn.open(self._target)
        self._asked.append(turn)

    # ---- from the provider

    def hear(self, event: "ServerEvent") -> None:
        """Raises Unavailable when a response that the provider began by itself cannot be written down."""
        if event.begins:
            self._begin(event)
        elif event.ends:
            self._finish(event)
        elif event.is_error:
            self._fail(event)
        elif event.response_id is not None and event.delta:
            turn = self._begun.get(event.response_id)
            if turn is not None:
                self._count(turn, event)
        elif event.session is not None:
            self._hearer = event.transcription_model() or self._hearer
        else:
            usage = event.transcription_usage()
            if usage is not None:
                self._transcribed(usage)

    def end(self, outcome: Outcome, status: int, code: str) -> None:
        """The session is over: what still runs is charged by estimate."""
        for turn in (*self._asked, *self._begun.values()):
            turn.settle(outcome, status, code)
        self._asked.clear()
        self._begun.clear()

    # ---- inside

    def _open(self) -> Turn:
        """One that the provider began by itself. Where a limit says no, the session has it stopped."""
        turn = self._make(self._said)
        assert turn.admission is not None
        try:
            turn.admission.enter()
        except TurnpikeError as error:
            self._said(error)
        turn.open(self._target)
        return turn

    def _said(self, error: TurnpikeError | None) -> None:
        if error is not None:
            self.when_refused(error)

    def _make(self, told: Told) -> Turn:
        turn = Turn(self._relay, self._connection, self._head, self.entry, self._model, self._request_id)
        entry, plan = self.entry, self._plan
        gates = entry.gates if entry.gated is plan else gates_of(self._relay, entry, self._head.route, plan)
        turn.admission = Admission(turn, (*gates, *self._target.gates, self._room), told)
        turn.estimate = Usage(
            input_tokens=self._context_tokens + self._sent_tokens,
            input_audio_tokens=self._sent_sound_tokens,
        )
        return turn

    def _begin(self, event: "ServerEvent") -> None:
        turn = self._asked.popleft() if self._asked else self._open()
        turn.first_byte = self._relay.now()
        name = (event.response.id if event.response is not None else None) or ""
        while len(self._begun) >= _OPEN_AT_MOST:
            forgotten = self._begun.pop(next(iter(self._begun)))
            forgotten.settle(Outcome.CUT, 200, "UPSTREAM_CUT")
        earlier = self._begun.pop(name, None)
        if earlier is not None:
            earlier.settle(Outcome.CUT, 200, "UPSTREAM_CUT")
        self._begun[name] = turn

    def _finish(self, event: "ServerEvent") -> None:
        response = event.response
        turn = self._begun.pop((response.id if response is not None else None) or "", None)
        if turn is None:
            # Never announced. It was worked for all the same.
            turn = self._asked.popleft() if self._asked else self._open()
        turn.usage = event.response_usage()
        counted = turn.usage or turn.estimate
        self._context_tokens = counted.input_tokens + counted.output_tokens
        self._sent_tokens = self._sent_sound_tokens = 0
        if response is not None and response.status == "failed":
            turn.settle(Outcome.UPSTREAM_ERROR, 200, "UPSTREAM_REFUSED")
        else:
            turn.settle(Outcome.OK, 200)

    def _fail(self, event: "ServerEvent") -> None:
        """A request for a response that the provider refused."""
        error = event.error
        if error is None or error.event_id is None:
            return
        for turn in self._asked:
            if turn.asked_by == error.event_id:
                self._asked.remove(turn)
                turn.worked = False
                turn.settle(Outcome.UPSTREAM_ERROR, 400, "UPSTREAM_REFUSED")
                return

    def _count(self, turn: Turn, event: "ServerEvent") -> None:
        made = turn.estimate
        sound = -(-event.sound_ms // OUTPUT_AUDIO_TOKEN_MS) if event.is_sound else 0
        turn.estimate = Usage(
            input_tokens=made.input_tokens,
            input_audio_tokens=made.input_audio_tokens,
            output_tokens=made.output_tokens + (sound or tokens_of_bytes(len(event.delta))),
            output_audio_tokens=made.output_audio_tokens + sound,
        )

    def _transcribed(self, usage: Usage) -> None:
        """A row of its own: another model heard it, at another price, or at none that is known."""
        model = self._hearer or self._model
        turn = Turn(self._relay, self._connection, self._head, self.entry, model, self._request_id)
        turn.route = _TRANSCRIPTION
        turn.open(self._hearing_target())
        turn.first_byte = turn.started
        turn.usage = usage
        turn.settle(Outcome.OK, 200)

    def _hearing_target(self) -> "Target":
        """The transcribing model at the same provider, if it is registered; else this one, without a price."""
        own = self._target.served
        if self._hearer is not None:
            try:
                plan = self.entry.profile.make_plan(_TRANSCRIPTION, self._hearer)
            except TurnpikeError:
                plan = None
            for target in plan.targets if plan is not None else ():
                if target.served.provider_id == own.provider_id:
                    return target
        unpriced = copy(self._target)
        unpriced.cost = None
        return unpriced
