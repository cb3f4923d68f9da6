"""Budgets, as relays know them, and the lending of their money.

Control lends a relay a slice of a hard budget's period, the relay reserves each call's bound out of it. `held` is all
that a relay was ever lent of a period, less what it gave back; what it has spent is a part of it. A relay has one
question about a period open at a time, and numbers its questions: so what it says it holds is true when control
reads it, and a question that comes late changes nothing.
"""

import msgspec

from turnpike.contract.periods import Span


class BudgetSpec(msgspec.Struct, frozen=True, gc=False):
    id: str
    kind: str
    """key, user, department, credential, provider, model, tag or gateway."""
    subject: str
    """An id; a pattern for models, the tag itself, nothing for the gateway."""
    shown: str
    """What a refusal calls it: `the budget of the key 'ci'`."""
    amount_nanousd: int
    span: Span
    hard: bool
    flat_nanousd: int | None = None
    """What a call counts for that cannot be bounded or has no price; None: it is refused where the budget is hard."""


class AskMoney(msgspec.Struct, frozen=True, tag="ask_money"):
    """Relay to control. `least` 0 asks for nothing: it says what is held."""

    id: int
    """Rises with every question of a relay."""
    budget_id: str
    start_ms: int
    """Of the period."""
    held_nanousd: int
    """All that is left and spent of what was lent, before the answer."""
    free_nanousd: int
    """The part of it that is not spent."""
    fresh: int
    """Not 0: the relay remembers nothing of this period but that all it was lent is spent or given back; the number
    of its first question since. Then `held_nanousd` says nothing, and the answer's does."""
    least_nanousd: int
    """Less than this would serve no call that waits."""
    want_nanousd: int


class MoneyLent(msgspec.Struct, frozen=True, tag="money_lent"):
    """Control to relay: the answer."""

    id: int
    budget_id: str
    start_ms: int
    held_nanousd: int
    """From now on."""
    lent_nanousd: int
    """The part of it that is new."""
    pending: bool
    """Less than was asked for, but others hold enough of it that may come back."""
    void: bool = False
    """There is no such hard budget any more, or its periods are others now."""
    unavailable: bool = False
    """The truth could not be reached."""
    most_nanousd: int = 0
    """More than this can never be lent of the period, whoever gives back what he has."""
    amount_nanousd: int = 0
    spent_nanousd: int = 0


class RecallMoney(msgspec.Struct, frozen=True, tag="recall_money"):
    """Control to relay: give back what no call needs now. Answered by AskMoney."""

    budget_id: str


# ---- what a call's cost is added to


class Charge(msgspec.Struct, frozen=True, gc=False):
    """One entry of `UsageEvent.charged`, read."""

    budget_id: str
    start_ms: int
    mark: str
    number: int

    def amount(self, cost_nanousd: int | None) -> int:
        """Of a row with that cost; None: it has no price."""
        match self.mark:
            case "=":
                return self.number
            case "-":
                return max(0, (cost_nanousd or 0) - self.number)
            case "~" if cost_nanousd is None:
                return self.number
            case _:
                return cost_nanousd or 0


def charge_text(budget_id: str, start_ms: int, mark: str = "", number: int = 0) -> str:
    """`<budget>@<start of its period>`: the whole cost of the row. With a mark behind it: `=n` just so much (an attempt
    that was given up at another provider), `-n` the cost less so much (the attempts before), `~n` so much where the
    row has no price."""
    return f"{budget_id}@{start_ms}{mark}{number}" if mark else f"{budget_id}@{start_ms}"


def read_charge(text: str) -> Charge | None:
    """None for what is no charge."""
    budget_id, _, rest = text.partition("@")
    for mark in "=-~":
        start, found, number = rest.partition(mark)
        if found:
            break
    else:
        start, mark, number = rest, "", "0"
    if not (budget_id and len(budget_id) <= 36 and start.isdecimal() and number.isdecimal()):
        return None
    return Charge(budget_id, int(start), mark, int(number))
