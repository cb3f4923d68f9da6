"""Calls that are passed through, under a ruleset: their JSON, their forms, their files of text, and their answers."""

from typing import TYPE_CHECKING

from turnpike.relay.guards.answers import Answer
from turnpike.relay.guards.forms import changes_of
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller, refused

if TYPE_CHECKING:
    from turnpike.relay.passage.call import PassageCall

_UNSTREAMED = "its answer comes in a form that its guards cannot read on this path; ask without `stream`"


class PassageGuard:
    """Of one call, once its request was looked at."""

    def __init__(self, call: "PassageCall", rules: Ruleset, teller: Teller, prompt: Prompt) -> None:
        self._call = call
        self._rules = rules
        self._teller = teller
        self._prompt = prompt

    def whole(self, body: bytes) -> bytes:
        """An answer in JSON. Raises PolicyRefused."""
        if not self._rules.answer.any and not self._prompt.vault.values:
            return body
        answer = Answer(self._rules, "", self._prompt.vault)
        try:
            return answer.json(body)
        finally:
            self._teller.tell(self._call, answer.finds, "answer", 1)

    def opaque(self) -> None:
        """An answer that cannot be looked at: bytes, or events of a form that is not known. Raises PolicyRefused."""
        source = self._rules.closed_answers
        if source is not None:
            raise refused(source, "unchecked", "answer", _UNSTREAMED)


def guard_passage(call: "PassageCall", rules: Ruleset, teller: Teller) -> PassageGuard:
    """Raises PolicyRefused."""
    prompt = Prompt(rules, "")
    try:
        _look(call, rules, prompt)
    finally:
        teller.tell(call, prompt.finds, "prompt", 0)
    return PassageGuard(call, rules, teller, prompt)


def _look(call: "PassageCall", rules: Ruleset, prompt: Prompt) -> None:
    body = call.body
    if rules.moderations and rules.closed is not None and (body.json is not None or body.form is not None):
        raise prompt.unchecked("its moderation model is not asked about requests that are passed through")
    if body.form is not None:
        changes = changes_of(body.form, prompt)
        if changes:
            call.rewrite(changes)
    elif body.json is not None:
        prompt.bounds(body.fields, body.size)
        body.json = prompt.value(body.json)
    elif body.size:
        prompt.met_media()
