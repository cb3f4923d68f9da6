"""A model call whose request is a form or whose answer is no JSON: sound, text, subtitles, large JSON, other events.

Everything else is as in `turnpike.relay.call`: who may call, where it goes, when it is tried again, how it is settled.
The answer keeps its own content type and goes on as it comes. Its attempts send a form again from where it is kept. A
provider with a form of its own is sent that form, and its answer, where it is text, is written in the caller's.
"""

from typing import TYPE_CHECKING, cast

import msgspec

from turnpike.contract.events import Outcome, UsageSource
from turnpike.errors import TurnpikeError, UnsupportedOperation, UpstreamError, UpstreamGarbage
from turnpike.relay.admit import check_caller, decode, reserve
from turnpike.relay.answer import AnswerHead
from turnpike.relay.attempt import Attempt
from turnpike.relay.call import Call
from turnpike.relay.defaults import default_model
from turnpike.relay.media_forms import placed, provider_form, said_in
from turnpike.relay.money.bounding import bound_of_media
from turnpike.relay.settle import cost_of, settle
from turnpike.wire.dialect import Target as WireTarget
from turnpike.wire.media.dialect import MediaHead
from turnpike.wire.media.provider_form import ProviderMedia
from turnpike.wire.translation import translate
from turnpike.wire.types.usage import MediaUsage

if TYPE_CHECKING:
    from turnpike.relay.caller_end import CallerEnd
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan
    from turnpike.relay.stream import Lane
    from turnpike.relay.target import Target
    from turnpike.relay.uploads import Form
    from turnpike.relay.upstream import Source
    from turnpike.wire.bounds import Bound
    from turnpike.wire.media.dialect import MediaDialect
    from turnpike.wire.media.provider_form import Written
    from turnpike.wire.media.watch import Passing
    from turnpike.wire.types.usage import Usage

_JSON_TYPE = b"content-type: application/json"
_PASSED = (b"content-disposition", b"content-language")
"""Headers of such an answer, beside its type, that say something of what it holds."""
_UNTYPED = b"application/octet-stream"


def admit_media(call: "MediaCall", entry: "Entry") -> "Plan":
    """As `turnpike.relay.admit.admit`. Raises the RequestError to answer with."""
    call.entry = entry
    call.identified = True
    head = call.head
    route = head.route
    relay = call.relay
    check_caller(relay, call.connection, head, entry, call.started_at_ms)
    if call.form is not None:
        fields = call.form.read_head(call.media)
    else:
        if head.encoding is not None:
            call.body = decode(head.encoding, call.body, relay.settings.body_limit_bytes)
        fields = cast("MediaHead", call.media.read_head(call.body))
    call.fields = call.asked = fields
    model = call.model = fields.model
    call.streams = fields.stream
    plan = entry.profile.plans.get((route.label, model))
    if plan is None:
        if not model:
            fields.model = model = call.model = default_model(entry.profile, route.operation, relay.catalog.providers)
            if call.form is not None:
                call.form.with_model(model)  # a field that is there and empty is refused before anything is sent
        plan = entry.profile.make_plan(route, model)
    reserve(call)
    return plan


class MediaAttempt(Attempt):
    """One attempt of such a call."""

    _watch: "Passing | None" = None
    """Behind all outlets: what the provider sends."""
    _written: "Written | None" = None
    """What a provider with a form of its own is sent."""
    _told: "Usage | None" = None
    """Of an answer that was written anew: the usage that it told."""

    @property
    def _call(self) -> "MediaCall":
        return cast("MediaCall", self.call)

    # ---- towards the provider

    def _head(self, body: "bytes | Source") -> bytes:
        made = super()._head(body)
        if self._written is not None and self._written.place:
            made = placed(made, self._written.place)
        form = self._call.form
        if form is None:
            return made
        before, _, after = made.rpartition(_JSON_TYPE)
        return before + b"content-type: " + form.content_type + after

    def _body(self) -> "bytes | Source":
        call = self._call
        if not self.target.same:
            return self._translated()
        if call.form is None:
            return call.media.splice(call.body, call.asked, self.target.upstream_model, self.target.quirks)
        return call.form.with_model(self.target.upstream_model)

    def _translated(self) -> "bytes | Source":
        """Raises Inexpressible or InvalidRequest."""
        call, target = self._call, self.target
        theirs, form = target.dialect, call.form
        if not isinstance(theirs, ProviderMedia):
            raise UnsupportedOperation(f"The provider '{target.served.provider}' does not take this form of request.")
        said = call.body if form is None else said_in(form, call.media.needs_file)
        wire = WireTarget(target.upstream_model, target.max_output_tokens, target.quirks)
        written, self.dropped = translate(call.dialect, theirs.write_call, said, wire, drop=call.head.drops)
        self._written = written
        return written.body if form is None else provider_form(form, call.media.needs_file, written)

    @property
    def _rewriter(self) -> "ProviderMedia | None":
        """The provider's dialect, where its answers are written anew."""
        theirs = self.target.dialect
        return theirs if not self.target.same and isinstance(theirs, ProviderMedia) and theirs.rewritten else None

    # ---- the answer

    def on_plain(self, raw: bytes, body: bytes) -> None:
        self.on_whole(AnswerHead(200, raw=raw), body)

    def on_head(self, head: AnswerHead) -> None:
        if head.status != 200 or self._rewriter is not None:
            super().on_head(head)
            return
        self.first_byte = self.call.relay.now()
        self._answer = head
        if head.encoded:
            self._decoder = self._decoder_of(head)
            if self._decoder is None:
                return
        self._begin(head)

    def _begin(self, head: AnswerHead) -> bool:
        """The answer is one: it will pass. False when it cannot be; the attempt has failed then."""
        call = self._call
        kind = head.get(b"content-type") or _UNTYPED
        self.worked = True
        text = kind.decode("latin-1").strip().lower()
        if text.startswith("text/html"):
            self._break_off(UpstreamGarbage("The provider answered with a page of HTML."))
            return False
        watch = self.lane = self._watch = call.media.watch(call.asked, text)
        lines = [b"content-type: " + kind]
        lines += [name + b": " + value for name in _PASSED if (value := head.get(name)) is not None]
        if watch.is_stream:
            lines += [b"cache-control: no-cache", b"x-accel-buffering: no"]
        call.answer_headers = b"\r\n".join(lines) + b"\r\n"
        for outlet in call.outlets:
            self.lane = outlet.lane(self, self.lane)
        return True

    def _whole(self, head: AnswerHead, body: bytes) -> None:
        if head.status != 200:
            self._unusual_status(head, body)
            return
        rewriter = self._rewriter
        if rewriter is not None:
            try:
                heard = rewriter.read_transcript(body)
                self._told = heard.usage
                assert self._written is not None
                kind, body = self._call.media.write_transcript(heard, self._written.answered_as)
            except UpstreamGarbage as error:
                self._garbage(error, body)
                return
            head = AnswerHead(200, pairs=[(b"content-type", kind)])
        if not self._begin(head):
            return
        lane = self.lane
        assert lane is not None
        if self._call.is_stream:
            try:
                self._end_stream(lane, body)
            except UpstreamError as error:
                self._fail(error)
            return
        body = lane.feed(body)
        if not self.call.ended:
            body += lane.end()
        if self.call.ended:
            return  # an outlet withheld it
        self._note(lane)
        self._succeeded()
        self._call.answered_whole(self, body)

    def _note(self, lane: "Lane") -> None:
        self.produced_bytes = lane.output_bytes
        call = self._call
        if self._told is not None:
            self.usage = self._told
        elif lane.usage is not None:
            self.usage = call.media.usage(call.asked, lane.usage)
        elif lane.finished and lane.error is None:
            self.usage = self._counted()

    def _counted(self) -> "Usage | None":
        """By the piece, where that is what the provider bills."""
        call = self._call
        usage = call.media.by_piece(call.asked)
        if usage is None or (self.target.cost is not None and not cost_of(self, usage, UsageSource.REPORTED)):
            return None
        return self._with_sound(usage)

    def _with_sound(self, usage: "Usage") -> "Usage":
        """With the length of the sound that went by, where it is known."""
        sound_ms = self._watch.sound_ms if self._watch is not None else 0
        if not sound_ms:
            return usage
        media = msgspec.structs.replace(usage.media or MediaUsage(), output_audio_ms=sound_ms)
        return msgspec.structs.replace(usage, media=media)

    def cancel(self) -> None:
        super().cancel()
        if self.lane is not None and self.lane.finished:
            self._note(self.lane)

    def estimated_usage(self) -> "Usage":
        call = self._call
        return self._with_sound(call.media.estimate(call.asked, self.produced_bytes))


class MediaCall(Call):
    """State of such a call."""

    form: "Form | None" = None
    asked: MediaHead
    answer_headers = b""
    """The content type and the like, of the answer that has begun."""

    def __init__(self, relay: "Relay", connection: "CallerEnd", head: "RequestHead", body: "bytes | Form") -> None:
        super().__init__(relay, connection, head, b"")
        if isinstance(body, bytes):
            self.body = body
        else:
            self.form = body
        assert head.route.media is not None
        self.media: MediaDialect = head.route.media

    def admitted(self, entry: "Entry") -> "Plan":
        return admit_media(self, entry)

    def attempt_at(self, target: "Target") -> MediaAttempt:
        return MediaAttempt(self, target, self.attempts + 1)

    def bound_nanousd(self, bounds: "tuple[Bound, ...]") -> int | None:
        return bound_of_media(self, bounds)

    @property
    def is_stream(self) -> bool:
        """The answer that has begun is one of events."""
        lane = self.attempt.lane if self.attempt is not None else None
        return lane is not None and cast("Passing", lane).is_stream

    # ---- from the attempt

    def answered_whole(self, attempt: Attempt, body: bytes) -> None:
        cost = settle(self, Outcome.OK, 200)
        self.ended = True
        headers = self._headers(attempt) + self.answer_headers
        if cost is not None:
            headers += b"x-turnpike-cost: %d.%09d\r\n" % divmod(cost, 1_000_000_000)
        self.connection.answer_any(200, headers, body)
        self._let_go()

    def pass_on(self, attempt: Attempt, data: bytes) -> None:
        if self.committed:
            self.connection.stream(data)
        elif data:
            self.committed = True
            self.connection.start_stream(200, self._headers(attempt) + self.answer_headers, data)

    def complete(self, attempt: Attempt) -> None:
        error = attempt.stream_error
        if error is not None:
            settle(self, Outcome.UPSTREAM_ERROR, 200, error.code)
        else:
            settle(self, Outcome.OK, 200)

    def stream_ended(self, attempt: Attempt, data: bytes) -> None:
        if not self.committed and not data:
            self.answered_whole(attempt, b"")
            return
        super().stream_ended(attempt, data)
        self._let_go()

    def failed(self, attempt: Attempt, error: TurnpikeError) -> None:
        if self.committed and not self.ended and not self.is_stream:
            # There is no word for an error in the middle of sound: that the answer is not whole is told by its end.
            settle(self, Outcome.CUT, 200, error.code)
            self._end()
            self.connection.abort()
            return
        super().failed(attempt, error)

    def _end(self) -> None:
        super()._end()
        self._let_go()

    def _let_go(self) -> None:
        self.attempt = None
        if self.form is not None:
            self.form.close()
            self.form = None
