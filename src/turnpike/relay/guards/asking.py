"""Guards for which somebody else is asked: the worker, about names; a moderation model. The call waits meanwhile.

Names first, so that a moderation model is shown what goes on. Nothing of the prompt has gone anywhere before.
"""

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from turnpike.contract.names import DEFAULT_KINDS, Name
from turnpike.errors import PolicyRefused
from turnpike.relay.guards.carriers import Carrier, Collecting, Replacing
from turnpike.relay.guards.moderation import Moderation
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Asked, Ruleset
from turnpike.relay.guards.telling import Teller, refused
from turnpike.wire.guards.filter import Finds

if TYPE_CHECKING:
    from turnpike.relay.gates import Governed

_REPLACED = re.compile(r"\[[A-Z][A-Z_]{1,30}(?:_[0-9]{1,6})?\]")
"""What another guard put in the place of something: a model may take it for a name."""
_NUMBER = 50
"""Of the record of what was decided about names: behind the prompt's own, before moderation's."""


class Asking:
    """Of one call. It ends with the call's `go_on` or `refuse`, told once."""

    def __init__(  # noqa: PLR0917 - made at two places
        self,
        call: "Governed",
        rules: Ruleset,
        teller: Teller,
        prompt: Prompt,
        carrier: Carrier,
        go_on: Callable[[], None],
    ) -> None:
        self._call = call
        self._rules = rules
        self._teller = teller
        self._prompt = prompt
        self._carrier = carrier
        self._go_on = go_on

    def start(self) -> None:
        if not self._rules.names:
            self._moderate()
            return
        collecting = Collecting()
        self._carrier.look(collecting)
        texts = tuple(collecting.texts)
        if not texts:
            self._moderate()
            return
        self._call.relay.names.ask(texts, lambda found: self._found(texts, found))

    # ---- names

    def _found(self, texts: tuple[str, ...], found: tuple[tuple[Name, ...], ...] | None) -> None:
        call = self._call
        if call.ended:
            return
        finds = Finds()
        try:
            if found is None or len(found) != len(texts):
                self._unanswered(finds)
            else:
                self._judge(texts, found, finds)
        except PolicyRefused as error:
            self._teller.tell(call, finds, "prompt", _NUMBER)
            call.refuse(error)
            return
        self._teller.tell(call, finds, "prompt", _NUMBER)
        self._moderate()

    def _unanswered(self, finds: Finds) -> None:
        """Raises PolicyRefused where a policy fails closed."""
        for asked in self._rules.names:
            if asked.fail_closed:
                finds[asked.source, "unchecked"] += 1
                raise refused(asked.source, "unchecked", "prompt", "names could not be looked for in time")

    def _judge(self, texts: Sequence[str], found: Sequence[Sequence[Name]], finds: Finds) -> None:
        changed: dict[str, str] = {}
        for text, names in zip(texts, found, strict=True):
            new = self._changed(text, names, finds)
            if new != text:
                changed[text] = new
        if changed:
            replacing = Replacing(changed)
            self._carrier.change(replacing)
            self._prompt.texts = [replacing.json_text(each) for each in self._prompt.texts]

    def _changed(self, text: str, names: Sequence[Name], finds: Finds) -> str:
        """Raises PolicyRefused."""
        out: list[str] = []
        place = 0
        taken = [match.span() for match in _REPLACED.finditer(text)]
        for name in names:
            if any(name.start < end and name.end > start for start, end in taken):
                continue
            value = text[name.start : name.end]
            asked = self._who_wants(name)
            if asked is None or not value.strip() or self._rules.prompt.allows(value.encode("utf-8", "surrogatepass")):
                continue
            finds[asked.source, name.kind] += 1
            if asked.source.action == "block":
                raise refused(asked.source, name.kind, "prompt")
            if asked.source.action == "flag":
                continue
            out += (text[place : name.start], self._replacement(asked, name.kind, value))
            place = name.end
        return "".join((*out, text[place:]))

    def _who_wants(self, name: Name) -> Asked | None:
        """The strictest guard that this is a find for."""
        wanted = [
            asked
            for asked in self._rules.names
            if name.kind in (asked.guard.detect or DEFAULT_KINDS)
            and (asked.guard.threshold is None or name.score >= asked.guard.threshold)
        ]
        return max(wanted, key=lambda asked: _STRICTNESS.index(asked.source.action), default=None)

    def _replacement(self, asked: Asked, kind: str, value: str) -> str:
        if asked.source.action == "restore":
            return self._prompt.vault.keep(kind, value)
        return asked.guard.replacement if asked.guard.replacement is not None else f"[{kind.upper()}]"

    # ---- moderation

    def _moderate(self) -> None:
        if self._rules.moderations and self._prompt.texts:
            Moderation(self._call, self._rules, self._teller, self._prompt.texts, self._go_on).start()
        else:
            self._go_on()


_STRICTNESS = ("flag", "restore", "mask", "block")
