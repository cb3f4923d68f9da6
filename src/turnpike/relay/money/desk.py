"""The relay's money: which budgets a call falls under, what is asked of control, and what a refusal says."""

from typing import TYPE_CHECKING

from turnpike.contract.budgets import BudgetSpec, MoneyLent
from turnpike.errors import BudgetSpent, RateLimited, TurnpikeError, Unavailable
from turnpike.kit.clock import from_ms, rfc3339
from turnpike.kit.grips import Grip, Grips
from turnpike.kit.money import usd_text
from turnpike.relay.money.purse import Pot, Purse

if TYPE_CHECKING:
    from turnpike.relay.core import Relay

_LOOK_S = 2.0
"""How often purses are looked through for money that nobody needs."""
_IDLE_S = 20.0
_HELD_AT_MOST = 4_000
"""With more pots than that in hand, what was not used since the last look is given back."""


class Money:
    """One per relay. Purses are kept as long as a gate has a grip on them or they hold money."""

    def __init__(self, relay: "Relay") -> None:
        self._relay = relay
        self._purses: dict[str, Purse] = {}
        self._grips: Grips[str] = Grips()
        self._holding: dict[Pot, None] = {}
        """Pots that must not be forgotten."""
        self._waiting: dict[Pot, None] = {}
        self._look_at = 0.0
        self._departments: dict[str, tuple[BudgetSpec, ...]] = {}
        self._tags: dict[str, tuple[BudgetSpec, ...]] = {}
        self._gateway: tuple[BudgetSpec, ...] = ()
        self.version = 0
        """Rises when a budget that a gate may know was changed."""

    @property
    def now(self) -> float:
        """Coarse monotonic seconds."""
        return self._relay.tick.now

    # ---- whose budgets

    def follow(self, budgets: tuple[BudgetSpec, ...]) -> None:
        """A snapshot is in force."""
        kinds: dict[str, dict[str, tuple[BudgetSpec, ...]]] = {"department": {}, "tag": {}, "gateway": {}}
        for spec in budgets:
            named = kinds[spec.kind]
            named[spec.subject] = (*named.get(spec.subject, ()), spec)
        self._departments, self._tags = kinds["department"], kinds["tag"]
        self._gateway = kinds["gateway"].get("", ())

    @property
    def any_tag(self) -> bool:
        """Whether any tag has a budget: then every call is looked at for tags."""
        return bool(self._tags)

    def of_department(self, department_id: str | None) -> tuple[BudgetSpec, ...]:
        return self._departments.get(department_id, ()) if department_id is not None else ()

    def of_gateway(self) -> tuple[BudgetSpec, ...]:
        return self._gateway

    def tagged(self, tags: tuple[str, ...]) -> tuple[Purse, ...]:
        """Purses of the tags that have a budget."""
        if not self._tags:
            return ()
        return tuple(self.purse(spec) for tag in tags for spec in self._tags.get(tag, ()))

    def purse(self, spec: BudgetSpec) -> Purse:
        found = self._purses.get(spec.id)
        if found is None:
            at_ms = int(self._relay.now() * 1000 + self._relay.wall_offset_ms)
            found = self._purses[spec.id] = Purse(self, spec, at_ms)
            self._grips.watch(spec.id)
        else:
            found.renew(spec)
        return found

    def grip(self, purse: Purse) -> Grip:
        """As long as it lives, this is the budget's purse."""
        self._purses.setdefault(purse.spec.id, purse)
        return self._grips.on(purse.spec.id)

    # ---- asking

    def keep(self, pot: Pot) -> None:
        """Somebody waits at it."""
        self._holding[pot] = None
        self._waiting[pot] = None

    def ask(self, pot: Pot, least: int, need: int = 0) -> None:
        """`least` 0: something in advance, if there is plenty."""
        link = self._relay.link
        if not link.is_up:
            pot.next_ask = self.now + 0.2
            return
        now = self.now
        wish = max(need, pot.wish_for(least or 1, now))
        self._holding[pot] = None
        link.tell(pot.question(link.next_id(), least, wish))

    def say_held(self, pot: Pot) -> None:
        """Gives back, or says after a lost answer what there is."""
        link = self._relay.link
        if link.is_up and not pot.asking:
            self._holding[pot] = None
            link.tell(pot.question(link.next_id(), 0, 0))

    # ---- control's words

    def answered(self, answer: MoneyLent) -> None:
        purse = self._purses.get(answer.budget_id)
        pot = purse.pots.get(answer.start_ms) if purse is not None else None
        if pot is not None:
            pot.lent(answer, self.now)

    def recalled(self, budget_id: str) -> None:
        purse = self._purses.get(budget_id)
        if purse is not None:
            for pot in list(purse.pots.values()):
                if pot.left > 0 or pot.asking:
                    pot.give_back()

    def lost(self) -> None:
        for pot in self._holding:
            pot.lost()

    # ---- time passes

    def sweep(self, now: float) -> None:
        for pot in list(self._waiting):
            if pot.waiting:
                pot.sweep(now)
            else:
                del self._waiting[pot]
        if now >= self._look_at:
            self._look_at = now + _LOOK_S
            self._look_through(now)

    def _look_through(self, now: float) -> None:
        at_ms = int(self._relay.now() * 1000 + self._relay.wall_offset_ms)
        idle_s = _IDLE_S if len(self._holding) <= _HELD_AT_MOST else _LOOK_S
        for pot in list(self._holding):
            if pot.idle:
                del self._holding[pot]
            elif pot.left > 0 and not pot.waiting and (now - pot.used_at > idle_s or pot.end_ms <= at_ms):
                pot.give_back()
            elif pot.owes and not pot.asking:
                self.say_held(pot)
        for budget_id in self._grips.let_go(self._rests):
            del self._purses[budget_id]

    def _rests(self, budget_id: str) -> bool:
        """Nothing would be lost with it."""
        pots = self._purses[budget_id].pots.values()
        return all(pot.idle and pot not in self._holding and pot not in self._waiting for pot in pots)

    # ---- refusing

    def refusal(self, pot: Pot, amount: int) -> TurnpikeError:
        """What a call is told that could not be paid."""
        spec = pot.purse.spec
        details = {"budget": spec.id, "kind": spec.kind, "subject": spec.subject, "period": spec.span.period}
        if not self._relay.link.is_up or pot.away:
            return Unavailable(
                f"Whether {spec.shown} has money left cannot be found out at the moment: the gateway's database or"
                " control plane does not answer. Try again.",
                details={**details, "reason": "budget"},
                retry_after_s=2,
            )
        sums = {
            "amount_usd": usd_text(pot.amount),
            "spent_usd": usd_text(pot.spent),
            "needed_usd": usd_text(amount),
        }
        if pot.reserved or pot.pending:
            return RateLimited(
                f"What is left of {spec.shown} is reserved by calls that are under way; this one may cost up to"
                f" {usd_text(amount)} USD. Try again when they have ended.",
                details={**details, **sums},
                retry_after_s=1,
            )
        now_ms = int(self._relay.now() * 1000 + self._relay.wall_offset_ms)
        renewed = spec.span.renewed_ms(now_ms)
        when = "It is not renewed." if renewed is None else f"It is renewed at {rfc3339(from_ms(renewed))}."
        if renewed is not None:
            details["renewed_at"] = rfc3339(from_ms(renewed))
        period = "in all" if spec.span.period == "total" else f"a {spec.span.period}"
        if spec.span.period == "rolling":
            period = f"in any {spec.span.length_ms // 3_600_000} hours"
        return BudgetSpent(
            f"{spec.shown[:1].upper()}{spec.shown[1:]} is spent: {usd_text(pot.spent)} of {usd_text(pot.amount)} USD"
            f" {period}, and this call may cost up to {usd_text(amount)} USD. {when}",
            details={**details, **sums},
            retry_after_s=None if renewed is None else max(1.0, (renewed - now_ms) / 1000),
        )
