"""An answer under a ruleset, whole or as it streams: guards first, then what was taken out of the prompt comes back."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from turnpike.errors import PolicyRefused
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller, refused
from turnpike.relay.media_call import MediaCall
from turnpike.relay.stream import Around
from turnpike.wire.guards.engine import TooHard
from turnpike.wire.guards.filter import Blocked, Finds, whole
from turnpike.wire.guards.frames import frames_for
from turnpike.wire.guards.jsontext import JsonFilter
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Source
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.streams import GuardedStream
from turnpike.wire.guards.walk import TooDeep, Walk

if TYPE_CHECKING:
    from turnpike.relay.attempt import Attempt
    from turnpike.relay.stream import Lane

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_NOBODY = Source("", "gateway", "unchecked", "block")
_TEXTS = ("json", "text/", "srt", "vtt", "xml")


class Answer:
    """One whole answer being looked at."""

    def __init__(self, rules: Ruleset, dialect: str, vault: Vault) -> None:
        self._rules = rules
        self._dialect = dialect
        self._vault = vault
        self.finds = Finds()

    def json(self, body: bytes) -> bytes:
        """Raises PolicyRefused."""
        try:
            read = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.unchecked("it is no JSON") from error
        try:
            return _encode(Walk(shape_of(self._dialect), self._text, self._json_text).through(read))
        except TooDeep as error:
            raise self.unchecked("it is nested too deeply to be checked") from error

    def text(self, body: bytes) -> bytes:
        """Raises PolicyRefused."""
        try:
            return self._text(body.decode()).encode()
        except UnicodeDecodeError as error:
            raise self.unchecked("it is no text") from error

    def lines(self, text: str) -> bytes:
        """JSON on each line, as batches have it. Raises PolicyRefused."""
        return "\n".join(self._json_line(line) for line in text.split("\n")).encode()

    def _json_line(self, line: str) -> str:
        return self.json(line.encode()).decode() if line.strip() else line

    def unchecked(self, why: str) -> PolicyRefused:
        source = self._rules.closed_answers or self._rules.closed or _NOBODY
        self.finds[source, "unchecked"] += 1
        return refused(source, "unchecked", "answer", why)

    def _text(self, text: str) -> str:
        return self._vault.restore(self._looked_at(lambda: whole(self._rules.answer, text, self.finds, self._vault)))

    def _json_text(self, text: str) -> str:
        return self._looked_at(lambda: JsonFilter(self._rules.answer, self.finds, self._vault).feed(text, final=True))

    def _looked_at(self, look: Callable[[], str]) -> str:
        try:
            return look()
        except Blocked as error:
            raise refused(error.source, error.kind, "answer") from error
        except TooHard as error:
            raise self.unchecked("a text in it cannot be checked with bounded work") from error


class GuardOutlet:
    """Of one call."""

    def __init__(self, rules: Ruleset, teller: Teller, vault: Vault) -> None:
        self._rules = rules
        self._teller = teller
        self._vault = vault
        self._told = 0

    @property
    def rules(self) -> bytes | None:
        """As Outlet.rules: what was taken out of a prompt comes back to its own caller alone."""
        return None if self._vault.values else self._rules.digest

    @property
    def touched(self) -> bool:
        return self._told > 0

    def whole(self, attempt: "Attempt", body: bytes) -> bytes | None:
        call = attempt.call
        answer = Answer(self._rules, call.dialect.name, self._vault)
        try:
            shown = answer.json(body)
        except PolicyRefused as error:
            self.tell(attempt, answer.finds)  # written before the caller hears of it, as every record is
            call.withhold(attempt, error)
            return None
        self.tell(attempt, answer.finds)
        return shown

    def lane(self, attempt: "Attempt", lane: "Lane") -> "Lane":
        call = attempt.call
        if isinstance(call, MediaCall):
            kind = call.answer_headers.split(b"\r\n", 1)[0].decode("latin-1").lower()
            if "event-stream" not in kind:
                return BufferedLane(self, attempt, lane, self._rules, self._vault, kind) if _is_text(kind) else lane
            media_type = b"text/event-stream"
        else:
            media_type = call.stream_type
        return GuardedLane(self, attempt, lane, self._rules, self._vault, media_type)

    def tell(self, attempt: "Attempt", finds: Finds) -> None:
        if finds:
            self._told += 1
            self._teller.tell(attempt.call, finds, "answer", self._told)
            finds.clear()


def _is_text(kind: str) -> bool:
    return any(each in kind for each in _TEXTS)


class _Guarded(Around):
    """What is looked at on its way."""

    def __init__(self, outlet: GuardOutlet, attempt: "Attempt", inner: "Lane") -> None:
        super().__init__(inner)
        self._outlet = outlet
        self._attempt = attempt
        self.is_stream = bool(getattr(inner, "is_stream", True))


class GuardedLane(_Guarded):
    """A stream of events."""

    def __init__(  # noqa: PLR0917 - made at one place
        self,
        outlet: GuardOutlet,
        attempt: "Attempt",
        inner: "Lane",
        rules: Ruleset,
        vault: Vault,
        media_type: bytes,
    ) -> None:
        super().__init__(outlet, attempt, inner)
        self._finds = Finds()
        self._rules = rules
        dialect = attempt.call.dialect.name
        self._stream = GuardedStream(dialect, frames_for(media_type), rules.answer, self._finds, vault)

    def feed(self, data: bytes) -> bytes:
        passed = self._inner.feed(data)
        return self._guarded(self._stream.feed, passed) if passed else b""

    def end(self) -> bytes:
        rest = self._inner.end()
        out = self._guarded(self._stream.feed, rest) if rest else b""
        if self._attempt.call.ended:
            return b""
        out += self._guarded(lambda _: self._stream.end(), b"")
        self._outlet.tell(self._attempt, self._finds)
        return out

    def _guarded(self, step: Callable[[bytes], bytes], data: bytes) -> bytes:
        error: PolicyRefused | None = None
        out = b""
        try:
            out = step(data)
        except (TooHard, TooDeep):
            source = self._rules.closed_answers or self._rules.closed or _NOBODY
            self._finds[source, "unchecked"] += 1
            error = refused(source, "unchecked", "answer", "a text in it cannot be checked with bounded work")
        blocked = self._stream.blocked
        if blocked is not None:
            error = refused(blocked.source, blocked.kind, "answer")
        if error is None:
            if self._inner.finished:
                self._outlet.tell(self._attempt, self._finds)
            return out
        self._outlet.tell(self._attempt, self._finds)
        self._attempt.call.withhold(self._attempt, error, out)
        return b""


class BufferedLane(_Guarded):
    """A text that is no stream of events (a transcript, subtitles): it is looked at when it is all there."""

    def __init__(  # noqa: PLR0917 - made at one place
        self, outlet: GuardOutlet, attempt: "Attempt", inner: "Lane", rules: Ruleset, vault: Vault, kind: str
    ) -> None:
        super().__init__(outlet, attempt, inner)
        self._answer = Answer(rules, attempt.call.dialect.name, vault)
        self._look = self._answer.json if "json" in kind else self._answer.text
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        passed = self._inner.feed(data)
        self._size += len(passed)
        if self._size > self._attempt.call.relay.settings.response_limit_bytes:
            self._refuse(self._answer.unchecked("it is too large to be checked"))
        else:
            self._pieces.append(passed)
        return b""

    def end(self) -> bytes:
        body = b"".join(self._pieces) + self._inner.end()
        try:
            out = self._look(body)
        except PolicyRefused as error:
            self._refuse(error)
            return b""
        self._outlet.tell(self._attempt, self._answer.finds)
        return out

    def _refuse(self, error: PolicyRefused) -> None:
        self._outlet.tell(self._attempt, self._answer.finds)
        self._attempt.call.withhold(self._attempt, error)
