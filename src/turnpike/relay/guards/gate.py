"""The gate: a call of any lane is looked at before anything of it is sent."""

from typing import TYPE_CHECKING, cast

from turnpike.relay.guards.answers import GuardOutlet
from turnpike.relay.guards.asking import Asking
from turnpike.relay.guards.carriers import CallCarrier, put_body
from turnpike.relay.guards.forms import guarded_media_form, plain_fields
from turnpike.relay.guards.prompt import Prompt
from turnpike.relay.guards.ruleset import Ruleset
from turnpike.relay.guards.telling import Teller
from turnpike.relay.media_call import MediaCall
from turnpike.wire.operations import Operation

if TYPE_CHECKING:
    from turnpike.relay.call import Call
    from turnpike.relay.gates import Governed

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
        if not rules.asks:
            self._watch(call, prompt)
            return True

        def go_on() -> None:
            self._watch(call, prompt)
            call.go_on()

        Asking(governed, rules, self._teller, prompt, CallCarrier(call), go_on).start()
        return False

    def _watch(self, call: "Call", prompt: Prompt) -> None:
        """Has the answer looked at, where there is something to look for or to put back."""
        if (self._rules.answer.any or prompt.vault.values) and call.route.operation not in _WORDLESS:
            call.outlets = (*call.outlets, GuardOutlet(self._rules, self._teller, prompt.vault))

    def _prompt(self, call: "Call", prompt: Prompt) -> None:
        if isinstance(call, MediaCall) and call.form is not None:
            prompt.form_bounds(plain_fields(call.form), call.form.size)
            guarded_media_form(call, prompt)
            return
        put_body(call, prompt.check(call.body))
