"""One attempt of a call at one target: sends it, reads the answer, and tells the call how it went.

Same dialect on both sides: the bytes pass, only watched for usage. Different dialects: translated by way of the
canonical types.
"""

from typing import TYPE_CHECKING

from turnpike.errors import (
    TurnpikeError,
    UpstreamCut,
    UpstreamError,
    UpstreamGarbage,
    UpstreamRefused,
    UpstreamTimeout,
)
from turnpike.relay.answer import AnswerHead, Decoder
from turnpike.relay.redact import redact, redact_bytes, redact_refusal
from turnpike.relay.settle import open_attempt
from turnpike.relay.stream import Lane, Translating, Unwrapping
from turnpike.relay.unusual import unusual_head, with_header_members
from turnpike.wire.dialect import Target as WireTarget
from turnpike.wire.estimate import estimate_usage
from turnpike.wire.translation import translate

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.target import Target
    from turnpike.relay.upstream import Source, UpstreamConnection
    from turnpike.wire.types.usage import Usage

_LOOKS_AGAIN_S = 1.0


class Attempt:
    """State of one attempt. Defaults stand on the class: an attempt sets only what it reaches."""

    connection: "UpstreamConnection | None" = None
    first_byte = 0.0
    usage: "Usage | None" = None
    produced_bytes = 0
    worked = False
    """The upstream may have worked for this attempt, and may charge for it."""
    over = False
    probe = False
    """Of the target's breaker."""
    _in_hand = False
    """Its target was told that it began, and not that it ended."""
    _heard = False
    """Its target was told when the answer began."""
    _more_s = 0.0
    """What its first byte may take beyond the time after which another deployment is asked."""
    _waits_on = False
    """That time is over, and there was no other."""
    dropped: tuple[str, ...] = ()
    """What the target's dialect has no word for and the caller allowed to be left out."""
    _answer: AnswerHead | None = None
    _pieces: list[bytes] | None = None
    _buffered = 0
    _decoder: Decoder | None = None

    def __init__(self, call: "Call", target: "Target", number: int) -> None:
        self.call = call
        self.target = target
        self.number = number
        self.started = call.started if number == 1 else call.relay.now()
        self.lane: Lane | None = None  # a protocol's default on the class would be lost when this is compiled
        """How a stream passes, once it has begun."""

    @property
    def stream_error(self) -> UpstreamRefused | None:
        """An error event of the provider in a stream that it ended properly."""
        return self.lane.error if self.lane is not None else None

    def send(self) -> None:
        """Raises Inexpressible or InvalidRequest, Unavailable when the journal takes nothing: then nothing is sent."""
        call = self.call
        target = self.target
        body: bytes | Source = b""
        if call.model == target.verbatim and not call.streams:
            body = call.body  # empty where the request is a form
        if not body:
            body = self._body()
        open_attempt(call, self)
        call.attempt = self
        call.attempts = number = self.number
        if number > 1:
            call.relay.metrics.count_retry(target.served.provider)
        head = self._head(body)
        timeout_s = self._timeout_s()
        self.probe = target.backend.begin()
        self._in_hand = True
        target.pool.send(self, head, body, timeout_s)

    def _timeout_s(self) -> float:
        """For the first byte. Where the call may go elsewhere it is a shorter one: `grace_s` has the rest."""
        call = self.call
        timeout_s = call.relay.settings.first_byte_timeout_s
        if self.number > 1:
            timeout_s = min(timeout_s, call.time_left_s())
        if call.plan.alone:
            return timeout_s
        backend = self.target.backend
        patience_s = backend.patience_s if call.streams else backend.patience_whole_s
        if patience_s >= timeout_s:
            return timeout_s
        self._more_s = timeout_s - patience_s
        return patience_s

    def _head(self, body: "bytes | Source") -> bytes:
        call = self.call
        target = self.target
        if target.unusual:
            return unusual_head(call, target, body)
        common = call.head.upstream_heads.get(target) or call.head.upstream_head(target)
        return b"%b%b\r\ncontent-length: %d\r\n\r\n" % (common, call.request_id_raw, len(body))

    def _body(self) -> "bytes | Source":
        """The caller's body for this target: spliced in the same dialect, else translated."""
        call = self.call
        target = self.target
        if target.same:
            body = call.dialect.splice(call.body, call.fields, target.upstream_model, target.quirks)
            return with_header_members(body, call.head, target.header_members) if target.header_members else body
        wire = WireTarget(target.upstream_model, target.max_output_tokens, target.quirks)
        body, self.dropped = translate(
            call.dialect, target.dialect.write_request, call.body, wire, drop=call.head.drops, stream=call.streams
        )
        return body

    def estimated_usage(self) -> "Usage":
        """For an attempt that worked and reported nothing."""
        told = self.call.fields.counted(None)
        if told is not None:
            return told
        stream_of = self.target.dialect.name if self.lane is not None else None
        return estimate_usage(len(self.call.body), self.produced_bytes, stream_of)

    def cancel(self) -> None:
        """Stops the attempt without a word to the call; what was produced so far stays to be charged."""
        if self.over:
            return
        self.over = True
        self._left()
        if self.connection is not None:
            self.worked = True
            self.connection.abort()
        else:
            self.target.pool.forget(self)
        if self.lane is not None:
            self.produced_bytes = self.lane.output_bytes

    def pause(self) -> None:
        if self.connection is not None:
            self.connection.pause()

    def resume(self) -> None:
        if self.connection is not None:
            self.connection.resume()

    # ---- Exchange: what the upstream connection tells

    def on_plain(self, raw: bytes, body: bytes) -> None:
        call = self.call
        target = self.target
        if call.streams or not target.plain:
            self.on_whole(AnswerHead(200, raw=raw), body)
            return
        self.over = True
        first_byte = self.first_byte = call.relay.now()
        try:
            usage = self.usage = target.dialect.read_usage(body)
        except UpstreamGarbage as error:
            self._garbage(error, body)
            return
        if usage is None:
            self.worked = True
            self.produced_bytes = len(body)
        self._in_hand = False
        target.backend.answered_plain(first_byte - self.started, first_byte, probe=self.probe)
        call.answered(self, body)

    def on_whole(self, head: AnswerHead, body: bytes) -> None:
        self.over = True
        self.first_byte = self.call.relay.now()
        if head.encoded:
            decoder = self._decoder_of(head)
            if decoder is None:
                return
            try:
                body = decoder.feed(body)
            except UpstreamGarbage as error:
                self._fail(error)
                return
        self._whole(head, body)

    def on_head(self, head: AnswerHead) -> None:
        self.first_byte = self.call.relay.now()
        self._answer = head
        if head.status == 101:
            self._break_off(UpstreamGarbage("The provider switched to a protocol that it was not asked for."))
            return
        if head.encoded:
            self._decoder = self._decoder_of(head)
            if self._decoder is None:
                return
        if head.status == 200 and self.call.streams and head.is_of(self.target.framing.content_type):
            self._begin_stream()
        else:
            self._pieces = []

    def on_data(self, data: bytes) -> None:
        try:
            if self._decoder is not None:
                data = self._decoder.feed(data)
            if self.lane is not None:
                self._pass(self.lane, data)
            else:
                self._keep(data)
        except UpstreamError as error:
            self._break_off(error)

    def on_end(self, data: bytes) -> None:
        head = self._answer
        assert head is not None
        self.over = True
        try:
            if self._decoder is not None:
                data = self._decoder.feed(data)
            if self.lane is not None:
                self._end_stream(self.lane, data)
                return
            self._keep(data)
        except UpstreamError as error:
            self._fail(error)
            return
        self._whole(head, b"".join(self._pieces or ()))

    def on_failure(self, error: TurnpikeError, *, stale: bool) -> None:
        if stale and not self.over:
            # The provider had closed a kept connection before the request reached it: no new attempt, a new connection.
            body = self._body()
            timeout_s = min(self._timeout_s(), self.call.time_left_s())
            self.target.pool.send(self, self._head(body), body, timeout_s, fresh=True)
            return
        self.over = True
        lane = self.lane
        if lane is not None and (lane.finished or lane.error is not None):
            # The caller has all there is: that the connection was not ended as it should be is none of its business.
            self._end_stream(lane, b"")
        else:
            self._fail(error)

    def on_fault(self, error: Exception) -> None:
        self.over = True
        self._left()
        self.call.fault(error)

    def grace_s(self) -> float:
        """A second at a time: while there is nowhere else to go, another deployment may come back."""
        if not self._more_s or self.call.may_go_elsewhere(self, surely=self._waits_on):
            return 0.0
        self._waits_on = True
        more_s = min(self._more_s, _LOOKS_AGAIN_S)
        self._more_s -= more_s
        return more_s

    # ---- whole answers

    def _whole(self, head: AnswerHead, body: bytes) -> None:
        call = self.call
        target = self.target
        if head.status != 200:
            self._unusual_status(head, body)
            return
        if target.find_refusal is not None:
            refused = target.find_refusal(body)
            if refused is not None:
                self._refuse(refused, head)
                return
        if call.streams:
            self._whole_for_stream(head, body)
            return
        try:
            usage = call.fields.counted(target.dialect.read_usage(body))
            if usage is None:
                self.worked = True
                self.produced_bytes = len(body)
            else:
                self.usage = usage
            if not target.same:
                response = call.fields.shape(target.dialect.read_response(body))
                body = call.fields.echoed(call.dialect.write_response(response, call.model))
        except UpstreamGarbage as error:
            self._garbage(error, body)
            return
        except UpstreamRefused as error:
            self._refuse(error, head)
            return
        self._succeeded()
        call.answered(self, body)

    def _garbage(self, error: UpstreamGarbage, body: bytes) -> None:
        """An answer of no use, which its provider will charge for all the same."""
        self.worked = True
        self.produced_bytes = len(body)
        self._fail(error)

    def _unusual_status(self, head: AnswerHead, body: bytes) -> None:
        target = self.target
        if head.status < 400:
            self._fail(UpstreamGarbage(f"The provider answered with status {head.status}, which no model call has."))
            return
        self._refuse(target.dialect.read_error(head.status, body), head)

    def _refuse(self, error: UpstreamRefused, head: AnswerHead) -> None:
        waits_s = head.retry_after_s()
        if waits_s is not None:
            error.retry_after_s = waits_s
        redact_refusal(error, self.target.hidden)
        self._fail(error)

    def _whole_for_stream(self, head: AnswerHead, body: bytes) -> None:
        """An answer that came whole to a request for a stream: a short stream in one read, or no stream at all."""
        if head.is_of(self.target.framing.content_type):
            self._begin_stream()
            assert self.lane is not None
            try:
                self._end_stream(self.lane, body)
            except UpstreamError as error:
                self._fail(error)
            return
        self.worked = True
        shown = redact((head.get(b"content-type") or b"none").decode("latin-1"), *self.target.hidden)[:80]
        self._fail(UpstreamGarbage(f"The provider answered a request for a stream with the content type '{shown}'."))

    def _keep(self, data: bytes) -> None:
        """Raises UpstreamGarbage when the answer grows over the limit."""
        limit = self.call.relay.settings.response_limit_bytes
        self._buffered += len(data)
        if self._buffered > limit:
            self.worked = True
            self.produced_bytes = self._buffered
            raise UpstreamGarbage(f"The provider's answer is larger than the {limit} bytes that this gateway takes.")
        assert self._pieces is not None
        self._pieces.append(data)

    def _decoder_of(self, head: AnswerHead) -> Decoder | None:
        """None when the encoding cannot be undone; the attempt has then failed."""
        try:
            return Decoder(head.get(b"content-encoding") or b"", self.call.relay.settings.response_limit_bytes)
        except UpstreamGarbage as error:
            self._break_off(error)
            return None

    # ---- streams

    def _begin_stream(self) -> None:
        call = self.call
        self.worked = self._heard = True
        self.target.backend.heard_stream(self.first_byte - self.started, self.first_byte)
        if self.target.same:
            self.lane = call.dialect.tail(call.fields)
        else:
            theirs, ours = self.target.dialect, call.dialect
            self.lane = Translating(theirs.reader(), ours.writer(call.fields, call.model), theirs.name, ours.name)
        unwrap = self.target.framing.unwrap
        if unwrap is not None:
            self.lane = Unwrapping(unwrap(), self.lane)
        for outlet in call.outlets:
            self.lane = outlet.lane(self, self.lane)

    def _pass(self, lane: Lane, data: bytes) -> None:
        out = lane.feed(data)
        if self.call.ended:
            return  # an outlet withheld the rest
        if lane.finished:
            self._note(lane)
            self.call.complete(self)
        if lane.error is not None:
            out = redact_bytes(out, self.target.hidden)
        self.call.pass_on(self, out)

    def _end_stream(self, lane: Lane, data: bytes) -> None:
        """Raises UpstreamError when the stream ends without its end marker."""
        out = lane.feed(data)
        if not self.call.ended:
            out += lane.end()
        if self.call.ended:
            return  # an outlet withheld the rest
        self._note(lane)
        if lane.error is not None:
            out = redact_bytes(out, self.target.hidden)
        if not lane.finished and lane.error is None:
            self.call.pass_on(self, out)
            raise UpstreamCut("The provider ended its stream in the middle of the answer.")
        self._succeeded()
        self.call.complete(self)
        self.call.stream_ended(self, out)

    def _note(self, lane: Lane) -> None:
        usage = lane.usage
        self.usage = None if usage is None else self.call.fields.counted(usage)
        self.produced_bytes = lane.output_bytes

    # ---- ends

    def _break_off(self, error: UpstreamError) -> None:
        """What comes is of no use: end the connection and fail."""
        if self.connection is not None:
            self.connection.abort()
        self.over = True
        self._fail(error)

    def _fail(self, error: TurnpikeError) -> None:
        if self.lane is not None:
            self.produced_bytes = self.lane.output_bytes
            # Part of a usage is no usage: what was produced is estimated.
            self.usage = None
        if isinstance(error, UpstreamTimeout | UpstreamCut):
            self.worked = True
        if self._in_hand:
            self._in_hand = False
            self.target.backend.ended(error, self.call.relay.now(), probe=self.probe)
        self.call.failed(self, error)

    def _succeeded(self) -> None:
        if not self._in_hand:
            return
        self._in_hand = False
        backend = self.target.backend
        if self._heard:
            backend.answered(probe=self.probe)
        else:
            backend.answered_plain(self.first_byte - self.started, self.first_byte, probe=self.probe)

    def _left(self) -> None:
        """It ends without a word on its target."""
        if self._in_hand:
            self._in_hand = False
            self.target.backend.left(probe=self.probe)
