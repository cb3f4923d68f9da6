"""Calls that are passed through, under a ruleset: their JSON, their forms, their files of text, and their answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from turnpike.errors import PolicyRefused
from turnpike.relay.guards.answers import Answer
from turnpike.relay.guards.asking import Asking
from turnpike.relay.guards.carriers import PassageCarrier
from turnpike.relay.guards.forms import changes_of, plain_fields
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller, refused
from turnpike.wire.guards.deltas import ANY_FORM
from turnpike.wire.guards.engine import TooHard
from turnpike.wire.guards.filter import Finds
from turnpike.wire.guards.frames import frames_for
from turnpike.wire.guards.streams import GuardedStream, UnknownForm
from turnpike.wire.guards.walk import TooDeep

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_OPAQUE = "its answer comes in a form that its guards cannot read"
_UNKNOWN = "its answer streams in a form that its guards do not know; ask without `stream`"
_HARD = "a text in its answer cannot be checked with bounded work"

Seen = tuple[bytes, PolicyRefused | None]
"""What goes on, and why nothing else does."""


class PassageGuard:
    """Of one call, once its request was looked at."""

    def __init__(self, call: "PassageCall", rules: Ruleset, teller: Teller, prompt: Prompt) -> None:
        self._call = call
        self._rules = rules
        self._teller = teller
        self._prompt = prompt
        self._told = 0

    # ---- the request

    def enter(self) -> bool:
        """False: somebody else is asked, and the call's `go_on` or `refuse` is told the outcome."""
        if not self._rules.asks:
            return True
        call = self._call
        Asking(call, self._rules, self._teller, self._prompt, PassageCarrier(call), call.go_on).start()
        return False

    # ---- the answer

    @property
    def watches(self) -> bool:
        """There is something to look for in answers, or to put back into them."""
        return self._rules.answer.any or bool(self._prompt.vault.values)

    def whole(self, body: bytes) -> bytes:
        """An answer in JSON. Raises PolicyRefused."""
        if not self.watches:
            return body
        answer = self._answer()
        try:
            return answer.json(body)
        finally:
            self._tell(answer.finds)

    def file(self, body: bytes) -> bytes:
        """What is downloaded, all of it: text, or JSON on each line. Raises PolicyRefused."""
        text = None if b"\0" in body else _decoded(body)
        if text is None:
            self.opaque()
            return body
        answer = self._answer()
        try:
            return answer.lines(text) if text.lstrip().startswith("{") else answer.text(body)
        finally:
            self._tell(answer.finds)

    def opaque(self) -> None:
        """An answer that cannot be looked at: bytes that are no text, or a part of a file. Raises PolicyRefused."""
        self._refuse_unchecked(_OPAQUE, Finds())

    def stream(self) -> "PassageStream | None":
        """Who looks at an answer of events; None: nobody needs to."""
        return PassageStream(self) if self.watches else None

    # ---- inside

    def _answer(self) -> Answer:
        return Answer(self._rules, "", self._prompt.vault)

    def _tell(self, finds: Finds) -> None:
        if finds:
            self._told += 1
            self._teller.tell(self._call, finds, "answer", self._told)
            finds.clear()

    def _refuse_unchecked(self, why: str, finds: Finds) -> None:
        source = self._rules.closed_answers
        if source is not None:
            finds[source, "unchecked"] += 1
            self._tell(finds)
            raise refused(source, "unchecked", "answer", why)

    def made_stream(self, finds: Finds) -> GuardedStream:
        rules = self._rules
        strict = rules.closed_answers is not None
        frames = frames_for(b"text/event-stream")
        return GuardedStream(ANY_FORM, frames, rules.answer, finds, self._prompt.vault, strict=strict)

    def seen(
        self, stream: GuardedStream, step: Callable[[], bytes], finds: Finds
    ) -> tuple[bytes, PolicyRefused | None]:
        """What goes on, and why nothing else does. Raises UpstreamGarbage."""
        out = b""
        try:
            out = step()
        except (TooHard, TooDeep, UnknownForm) as error:
            try:
                self._refuse_unchecked(_UNKNOWN if isinstance(error, UnknownForm) else _HARD, finds)
            except PolicyRefused as refusal:
                return out, refusal
        blocked = stream.blocked
        refusal = None if blocked is None else refused(blocked.source, blocked.kind, "answer")
        if refusal is not None:
            self._tell(finds)
        return out, refusal

    def tell(self, finds: Finds) -> None:
        self._tell(finds)


class PassageStream:
    """An answer of events."""

    def __init__(self, guard: PassageGuard) -> None:
        self._guard = guard
        self._finds = Finds()
        self._stream = guard.made_stream(self._finds)

    def feed(self, data: bytes) -> Seen:
        """What goes on, and why nothing else does. Raises UpstreamGarbage."""
        return self._guard.seen(self._stream, lambda: self._stream.feed(data), self._finds)

    def end(self) -> Seen:
        """As `feed`, when the provider has ended."""
        seen = self._guard.seen(self._stream, self._stream.end, self._finds)
        self._guard.tell(self._finds)
        return seen


def guard_passage(call: "PassageCall", rules: Ruleset, teller: Teller) -> PassageGuard:
    """Raises PolicyRefused."""
    prompt = Prompt(rules, "")
    try:
        _look(call, prompt)
    finally:
        teller.tell(call, prompt.finds, "prompt", 0)
    return PassageGuard(call, rules, teller, prompt)


def _look(call: "PassageCall", prompt: Prompt) -> None:
    body = call.body
    if body.form is not None:
        prompt.form_bounds(plain_fields(body.form), body.size)
        changes = changes_of(body.form, prompt)
        if changes:
            call.rewrite(changes)
    elif body.json is not None:
        prompt.bounds(body.fields, body.size)
        body.json = prompt.value(body.json)
    elif body.size:
        prompt.met_media()


def _decoded(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None
