"""The gate: a call of any lane is looked at before anything of it is sent."""

from typing import TYPE_CHECKING, cast

from turnpike.relay.guards.answers import GuardOutlet
from turnpike.relay.guards.forms import guarded_media_form
from turnpike.relay.guards.moderation import Moderation
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller
from turnpike.relay.media_call import MediaCall
from turnpike.wire.operations import Operation

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.gates import Governed
    from turnpike.wire.media.dialect import MediaHead

_WORDLESS = frozenset((Operation.EMBEDDINGS, Operation.COUNT_TOKENS, Operation.MODERATION))
"""Operations whose answers are figures."""


class GuardGate:
    def __init__(self, rules: Ruleset, teller: Teller) -> None:
        self._rules = rules
        self._teller = teller

    def enter(self, governed: "Governed") -> bool:
        """Raises PolicyRefused."""
        call = cast("Call", governed)
        rules = self._rules
        prompt = Prompt(rules, call.dialect.name)
        try:
            if rules.reads_prompts or rules.media is not None:
                self._prompt(call, prompt)
        finally:
            self._teller.tell(call, prompt.finds, "prompt", 0)
        if (rules.answer.any or prompt.vault.values) and call.route.operation not in _WORDLESS:
            call.outlets = (*call.outlets, GuardOutlet(rules, self._teller, prompt.vault))
        if rules.moderations and prompt.texts:
            Moderation(call, rules, self._teller, prompt.texts).start()
            return False
        return True

    def _prompt(self, call: "Call", prompt: Prompt) -> None:
        if isinstance(call, MediaCall) and call.form is not None:
            guarded_media_form(call, prompt)
            return
        body = prompt.check(call.body)
        before = call.fields
        fields = call.dialect.read_head(body)
        # What the path, or a default, said of it stands nowhere in the body.
        fields.model, fields.stream = before.model, before.stream
        call.body, call.fields = body, fields
        if isinstance(call, MediaCall):
            call.asked = cast("MediaHead", fields)
