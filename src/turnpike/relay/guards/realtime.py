"""A realtime session under policies: every event is looked at, in both directions.

What a caller says is checked before it goes on: instructions, items of the conversation, requests for a response. What
the provider says is text in pieces, held back as any stream's. Sound is what nobody here can hear: a caller's is
refused as media are, a provider's stops the response where a policy of answers fails closed.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import msgspec

from turnpike.errors import PolicyRefused
from turnpike.relay.guards.asking import Asking
from turnpike.relay.guards.carriers import Collecting, Replacing
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller, refused
from turnpike.wire.guards.engine import TooHard
from turnpike.wire.guards.filter import Finds
from turnpike.wire.guards.frames import MessageFrames
from turnpike.wire.guards.placeholders import Vault
from turnpike.wire.guards.rules import Source
from turnpike.wire.guards.shapes import shape_of
from turnpike.wire.guards.streams import GuardedStream
from turnpike.wire.guards.walk import TooDeep, Walk

if TYPE_CHECKING:
    from turnpike.errors import TurnpikeError
    from turnpike.relay.core import Relay
    from turnpike.relay.head import RequestHead
    from turnpike.relay.keys import Entry
    from turnpike.wire.dialects.openai_realtime import ServerEvent

_DIALECT = "openai_realtime"
_PARAMETERS = {"response.create": "response", "session.update": "session"}
"""Events that set parameters, and the member that holds them."""
_MUTED_AT_MOST = 64
_SOUND = "it answers with sound, which its guards cannot hear; ask for text with `output_modalities`"
_UNREAD = "the provider sent what its guards cannot read"
_HARD = "a text in it cannot be checked with bounded work"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
Told = Callable[["str | None", "TurnpikeError | None"], None]
"""What is to be sent in the event's place, or why nothing is."""


class _Event:
    """One event, as a call that is decided about. Its texts can be gone through more than once."""

    ended = False

    def __init__(self, guard: "RealtimeGuard", read: Any, told: Told | None = None) -> None:
        self.relay = guard.relay
        self.entry = guard.entry
        self.head = guard.head
        self.model = guard.model
        self.route = guard.head.route
        self.request_id = guard.request_id
        self.event_id = guard.relay.ids.next_bytes()
        self.read = read
        self._told = told

    def go_on(self) -> None:
        if self._told is not None:
            self._told(_encode(self.read).decode(), None)

    def refuse(self, error: "TurnpikeError") -> None:
        if self._told is not None:
            self._told(None, error)

    # ---- Carrier

    def look(self, looker: Collecting) -> None:
        Walk(shape_of(_DIALECT), looker.text, looker.json_text).through(self.read)

    def change(self, looker: Replacing) -> None:
        self.read = Walk(shape_of(_DIALECT), looker.text, looker.json_text).through(self.read)


class RealtimeGuard:
    """Of one session, under the policies of one snapshot."""

    def __init__(
        self,
        relay: "Relay",
        head: "RequestHead",
        entry: "Entry",
        rules: Ruleset,
        teller: Teller,
        *,
        model: str,
        request_id: str,
    ) -> None:
        self.relay = relay
        self.head = head
        self.entry = entry
        self.model = model
        self.request_id = request_id
        self._rules = rules
        self._teller = teller
        self._vault = Vault()
        self._finds = Finds()
        self._stream = self._new_stream()
        self._muted: dict[str, None] = {}
        """Responses that were stopped: nothing more of them goes on."""

    def follow(self, rules: Ruleset) -> None:
        """Policies changed. What was taken out of prompts before still comes back."""
        self._rules = rules
        self._stream = self._new_stream()

    # ---- from the caller

    def said(self, text: str, told: Told) -> str | None:
        """What is to be sent in the event's place. None: somebody else is asked, and `told` is told later. Raises
        PolicyRefused."""
        rules = self._rules
        if not rules.reads_prompts and rules.media is None:
            return text
        read = _decode(text)
        event = _Event(self, read, told)
        prompt = Prompt(rules, _DIALECT)
        prompt.vault = self._vault
        try:
            self._bounds(prompt, read, len(text))
            event.read = prompt.value(read)
        finally:
            self._teller.tell(event, prompt.finds, "prompt", 0)
        if not rules.asks:
            return _encode(event.read).decode()
        Asking(cast("Any", event), rules, self._teller, prompt, event, event.go_on).start()
        return None

    @staticmethod
    def _bounds(prompt: Prompt, read: dict[str, Any], size: int) -> None:
        holder = _PARAMETERS.get(str(read.get("type")))
        if holder is None:
            prompt.bounds({}, size)
            return
        inner = read.get(holder)
        parameters = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
        kind = parameters.pop("type", None)
        try:
            prompt.bounds(parameters, size)
        finally:
            if kind is not None:
                parameters["type"] = kind
        if parameters:
            read[holder] = parameters

    # ---- from the provider

    def heard(self, event: "ServerEvent | None", message: str) -> tuple[list[str], PolicyRefused | None]:
        """What goes on of an event, and why its response goes no further."""
        rules = self._rules
        if not rules.answer.any and not self._vault.values:
            return [message], None
        if event is None:
            return self._unread(message, _UNREAD)
        name = event.response_id or (event.response.id if event.response is not None else None)
        if name is not None and name in self._muted:
            return ([_emptied(message)] if event.ends else []), None
        if event.is_sound:
            passed, refusal = self._unread(message, _SOUND)
        else:
            passed, refusal = self._read(message)
        if refusal is not None:
            self._mute(name)
            if event.ends:
                passed.append(_emptied(message))
        return passed, refusal

    def _read(self, message: str) -> tuple[list[str], PolicyRefused | None]:
        out = b""
        refusal: PolicyRefused | None = None
        try:
            out = self._stream.feed(message.encode())
        except (TooHard, TooDeep):
            source = self._rules.closed_answers
            if source is not None:
                refusal = self._unchecked(source, _HARD)
        blocked = self._stream.blocked
        if blocked is not None:
            refusal = refused(blocked.source, blocked.kind, "answer")
        if refusal is not None:
            self._stream = self._new_stream()
        self._tell()
        return [line.decode() for line in out.split(b"\n") if line], refusal

    def unread_bytes(self) -> PolicyRefused | None:
        """A binary message of the provider."""
        return self._unread("", _UNREAD)[1]

    def _unread(self, message: str, why: str) -> tuple[list[str], PolicyRefused | None]:
        source = self._rules.closed_answers
        if source is None:
            return [message], None
        refusal = self._unchecked(source, why)
        self._tell()
        return [], refusal

    def _unchecked(self, source: Source, why: str) -> PolicyRefused:
        self._finds[source, "unchecked"] += 1
        return refused(source, "unchecked", "answer", why)

    def _mute(self, name: str | None) -> None:
        if name is None:
            return
        if len(self._muted) >= _MUTED_AT_MOST:
            self._muted.pop(next(iter(self._muted)))
        self._muted[name] = None

    def _new_stream(self) -> GuardedStream:
        return GuardedStream(_DIALECT, MessageFrames(), self._rules.answer, self._finds, self._vault)

    def _tell(self) -> None:
        self._teller.tell(_Event(self, None), self._finds, "answer", 1)
        self._finds.clear()


def _emptied(message: str) -> str:
    """The end of a response of which nothing may be shown, as a provider writes one that its own filter stopped."""
    read: dict[str, Any] = _decode(message)
    response = cast("dict[str, Any]", read["response"])
    details = {"type": "incomplete", "reason": "content_filter"}
    read["response"] = {**response, "output": [], "status": "incomplete", "status_details": details}
    return _encode(read).decode()
