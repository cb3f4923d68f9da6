"""A moderation model asked about a prompt: an ordinary call through this relay, on the caller's behalf and account.

It is made before anything of the prompt goes on, so it costs the caller its time: for those alone whose policy asks for
it. Its own row is in the ledger. What governs the caller's call governs it: tags, and with them residency and budgets,
and the caller's own budgets. Limits have counted the caller's call, which holds its seats meanwhile.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from turnpike.contract.grants import KeyGrant
from turnpike.contract.scopes import SCOPE_BIT
from turnpike.errors import BudgetSpent
from turnpike.relay.caller_end import InnerEnd
from turnpike.relay.guards.question import Question
from turnpike.relay.guards.ruleset import Asked, Ruleset
from turnpike.relay.guards.telling import Teller, refused
from turnpike.relay.head import RequestHead
from turnpike.relay.keys import Entry
from turnpike.wire.guards.filter import Finds

if TYPE_CHECKING:
    from turnpike.relay.core import Relay
    from turnpike.relay.gates import Governed

_PATH = b"/v1/moderations"
_NUMBER = 100
"""Of the record of its decision: behind the prompt's own and any answer's."""


class _Result(msgspec.Struct):
    flagged: bool = False
    categories: dict[str, bool | None] = msgspec.field(default_factory=dict[str, bool | None])
    category_scores: dict[str, float | None] = msgspec.field(default_factory=dict[str, float | None])


class _Results(msgspec.Struct):
    results: list[_Result]


_decode = msgspec.json.Decoder(_Results).decode


class Moderation:
    """Asks one model after the other, and lets the call go on or refuses it."""

    def __init__(
        self, call: "Governed", rules: Ruleset, teller: Teller, texts: list[str], go_on: Callable[[], None]
    ) -> None:
        self._call = call
        self._go_on = go_on
        self._inside: InnerEnd | None = None
        self._question: Question | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._teller = teller
        self._texts = texts
        self._left = list(rules.moderations)
        self._asked: Asked | None = None
        self._number = _NUMBER

    def start(self) -> None:
        self._next()

    def _next(self) -> None:
        call = self._call
        if call.ended:
            return
        if not self._left:
            self._go_on()
            return
        asked = self._asked = self._left.pop(0)
        body = msgspec.json.encode({"model": asked.guard.model, "input": self._texts})
        pairs = [(b"host", b"inside"), (b"content-type", b"application/json")]
        head = RequestHead(b"POST", _PATH, pairs, http_1_0=False)
        head.entry = _entry(call.relay, call.entry)
        head.request_id = call.request_id
        head.trace_id, head.tags = call.head.trace_id, call.head.tags
        self._inside = InnerEnd("", self.answered)
        relay = call.relay
        self._timer = asyncio.get_running_loop().call_later(relay.settings.guard_timeout_s, self._give_up)
        question = self._question = Question(relay, self._inside, head, body)
        try:
            question.start()
        except Exception as error:  # noqa: BLE001 - the last line of defence, as in core.py
            question.fault(error)

    def _give_up(self) -> None:
        """Nobody answers in time: the call to the model ends as if its caller had left."""
        inside, self._inside = self._inside, None
        if inside is not None and inside.conversation is not None:
            inside.conversation.client_gone()
        self.answered(504, b"")

    def answered(self, status: int, body: bytes) -> None:
        asked = self._asked
        if self._timer is not None:
            self._timer.cancel()
        if asked is None or self._call.ended:
            return
        question = self._question
        self._asked = self._inside = self._question = None
        finds = Finds()
        found: str | None = None
        try:
            if status != 200:
                raise msgspec.DecodeError
            found = _found(_decode(body), asked)
        except msgspec.DecodeError:
            if asked.fail_closed:
                if question is not None and isinstance(question.error, BudgetSpent):
                    self._call.refuse(question.error)
                    return
                finds[asked.source, "unchecked"] += 1
                self._tell(finds)
                why = f"the moderation model '{asked.guard.model}' could not be asked"
                self._call.refuse(refused(asked.source, "unchecked", "prompt", why))
                return
        if found is not None:
            finds[asked.source, found] += 1
            self._tell(finds)
            if asked.source.action == "block":
                self._call.refuse(refused(asked.source, found, "prompt"))
                return
        self._next()

    def _tell(self, finds: Finds) -> None:
        self._teller.tell(self._call, finds, "prompt", self._number)
        self._number += 1


def _found(said: _Results, asked: Asked) -> str | None:
    """The first category that counts."""
    wanted = asked.guard.categories
    for result in said.results:
        threshold = asked.guard.threshold
        if threshold is not None and result.category_scores:
            names = [name for name, score in result.category_scores.items() if (score or 0.0) >= threshold]
        else:
            names = [name for name, flagged in result.categories.items() if flagged]
        names = [name for name in names if not wanted or name in wanted]
        if names:
            return names[0][:64]
        if result.flagged and not wanted and threshold is None:
            return "flagged"
    return None


def _entry(relay: "Relay", entry: Entry) -> Entry:
    """The same caller, who pays, with what this one call needs and no policies of its own."""
    caller = entry.caller
    grant = KeyGrant(
        key_id=caller.key_id,
        key_name=caller.key_name,
        user_id=caller.user_id,
        department_id=caller.department_id,
        role=entry.profile.role,
        scopes=0,
        tier=entry.tier,
        models=(),
        networks=(),
        expires_at_ms=0,
    )
    made = entry.for_inner()
    made.scopes |= SCOPE_BIT["inference:text"]
    made.networks = None
    made.expires_at_ms = 0
    made.profile = relay.profiles.of(grant)
    made.exempt = True
    return made
