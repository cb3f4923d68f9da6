"""The gates of money: they reserve the most that a call can cost before it is sent."""

from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from turnpike.contract.budgets import BudgetSpec, charge_text
from turnpike.errors import PolicyRefused, TurnpikeError
from turnpike.relay.money.purse import WAIT_S, Pot, Purse, Waiter
from turnpike.wire.bounds import Bound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from turnpike.contract.snapshot import CredentialSpec, ModelSpec, ProviderSpec
    from turnpike.kit.grips import Grip
    from turnpike.relay.core import Relay
    from turnpike.relay.endpoints import Route
    from turnpike.relay.gates import Gate, Governed
    from turnpike.relay.keys import Entry
    from turnpike.relay.routing.plan import Plan
    from turnpike.wire.types.usage import Usage


class Bounded(Protocol):
    """What the gates ask of a call besides being governed."""

    def bound_nanousd(self, bounds: tuple[Bound, ...], /) -> int | None:
        """The most that the call can cost at any of these deployments; None: not to be known."""
        ...


class _Till(NamedTuple):
    """What a gate takes of its purses as long as their periods last and no budget is changed."""

    hard: tuple[Pot, ...]
    counters: tuple[str, ...]
    """Of all, as they are written down with a call."""
    from_ms: int
    until_ms: int
    version: int
    """Of the relay's money."""


class Reservation:
    """A call's hold on its pots."""

    __slots__ = ("amounts", "at_target", "before", "pots")

    def __init__(self, pots: tuple[Pot, ...], amounts: tuple[int, ...], *, at_target: bool, before: int) -> None:
        self.pots = pots
        self.amounts = amounts
        self.at_target = at_target
        self.before = before
        """Cost of the attempts before that were given up, where this is a target's own."""

    def release(self, call: "Governed", usage: "Usage | None", cost_nanousd: int | None) -> None:
        if call.moved:
            for pot, amount in zip(self.pots, self.amounts, strict=True):
                pot.move(amount)
            return
        if cost_nanousd is not None and not self.at_target:
            for place, pot in enumerate(self.pots):
                pot.settle(self.amounts[place], cost_nanousd)
            return
        leaves = self.at_target and not call.settled
        for pot, amount in zip(self.pots, self.amounts, strict=True):
            cost = cost_nanousd
            if cost is None:
                cost = pot.purse.spec.flat_nanousd or 0
            elif not leaves:
                cost = max(0, cost - self.before)
            pot.settle(amount, cost)
            if leaves:
                _leave(call, pot, cost)

    def extend(self, more_nanousd: int) -> bool:
        """Reserves more, for an attempt that comes on top of one that may be charged for."""
        if any(pot.left < more_nanousd for pot in self.pots if pot.purse.spec.hard):
            return False
        for pot in self.pots:
            pot.take(more_nanousd)
        self.amounts = tuple(amount + more_nanousd for amount in self.amounts)
        return True


def _leave(call: "Governed", pot: Pot, cost: int) -> None:
    """A target is given up: it is charged for what its attempt cost, and for nothing of what follows."""
    kept = [text for text in call.charged if not _is_open(text, pot.counter)]
    if cost:
        kept.append(charge_text(pot.purse.spec.id, pot.start_ms, "=", cost))
    call.charged = tuple(kept)


def _counter(pot: Pot) -> str:
    """As it is written down with a call: with the flat amount of a call that turns out to have no price."""
    spec = pot.purse.spec
    return pot.counter if spec.flat_nanousd is None else charge_text(spec.id, pot.start_ms, "~", spec.flat_nanousd)


def _is_open(text: str, counter: str) -> bool:
    return text.startswith(counter) and text[len(counter) : len(counter) + 1] in ("", "-", "~")


class MoneyGate:
    """Of one caller and plan, or of one target. Its purses are looked up at the first call."""

    __slots__ = ("_at_target", "_bounds", "_grips", "_purses", "_specs", "_till")

    def __init__(self, specs: tuple[BudgetSpec, ...], bounds: "Iterable[Bound]", *, at_target: bool = False) -> None:
        self._specs = specs
        self._bounds = _distinct(bounds)
        self._at_target = at_target
        self._purses: tuple[Purse, ...] = ()
        self._grips: tuple[Grip, ...] = ()
        self._till: _Till | None = None

    def enter(self, call: "Governed") -> bool:
        """Raises BudgetSpent, PolicyRefused for what has no bound, or Unavailable."""
        money = call.relay.money
        if self._at_target or call.head.tags or call.charged:
            return self._reserve(call, self._all_purses(call), None)
        at_ms = call.started_at_ms
        till = self._till
        if till is None or till.version != money.version or not till.from_ms <= at_ms < till.until_ms:
            till = self._till = self._till_of(call)
        if not till.counters:
            return True
        bound = cast("Bounded", call).bound_nanousd(self._bounds)
        if bound is None:
            return self._reserve(call, self._purses, None)
        hard = till.hard
        for pot in hard:
            if pot.left < bound:
                return self._reserve(call, self._purses, None)
        for pot in hard:
            pot.take(bound)
        call.charged = till.counters
        call.reserved_nanousd = max(call.reserved_nanousd, bound)
        if hard:
            call.holds = (*call.holds, Reservation(hard, (bound,) * len(hard), at_target=False, before=0))
        return True

    def _all_purses(self, call: "Governed") -> tuple[Purse, ...]:
        """The gate's own, and those of the call's tags."""
        money = call.relay.money
        purses = self._purses
        if not purses:
            purses = self._purses = tuple(money.purse(spec) for spec in self._specs)
            self._grips = tuple(money.grip(purse) for purse in purses)
        if self._at_target or not call.head.tags:
            return purses
        return (*purses, *(purse for purse in money.tagged(call.head.tags) if purse not in purses))

    def _till_of(self, call: "Governed") -> _Till:
        at_ms = call.started_at_ms
        pots = [purse.pot_at(at_ms) for purse in self._all_purses(call)]
        return _Till(
            tuple(pot for pot in pots if pot.purse.spec.hard),
            tuple(dict.fromkeys(_counter(pot) for pot in pots)),
            max((pot.start_ms for pot in pots), default=0),
            min((pot.end_ms for pot in pots), default=1 << 62),
            call.relay.money.version,
        )

    def _reserve(self, call: "Governed", purses: tuple[Purse, ...], until: float | None) -> bool:
        bound = cast("Bounded", call).bound_nanousd(self._bounds)
        at_ms = call.started_at_ms
        pots: list[Pot] = []
        amounts: list[int] = []
        for purse in purses:
            pot = purse.pot
            if at_ms >= pot.end_ms or at_ms < pot.start_ms:
                pot = purse.pot_at(at_ms)
            amount = bound
            if amount is None:
                amount = self._flat(call, purse.spec)
            if purse.spec.hard and pot.left < amount:
                self._wait(call, pot, amount, until)
                return False
            pots.append(pot)
            amounts.append(amount)
        self._take(call, pots, amounts)
        return True

    def _take(self, call: "Governed", pots: list[Pot], amounts: list[int]) -> None:
        before = sum(each.cost_nanousd or 0 for each in getattr(call, "abandoned", ())) if self._at_target else 0
        for pot, amount in zip(pots, amounts, strict=True):
            if pot.purse.spec.hard:
                pot.take(amount)
            text = charge_text(pot.purse.spec.id, pot.start_ms, "-", before) if before else _counter(pot)
            if text not in call.charged:
                call.charged = (*call.charged, text)
            call.reserved_nanousd = max(call.reserved_nanousd, amount + before)
        hard = [(pot, amount) for pot, amount in zip(pots, amounts, strict=True) if pot.purse.spec.hard]
        if self._at_target:
            soft = [(pot, 0) for pot in pots if not pot.purse.spec.hard]
            hold = _reservation((*hard, *soft), at_target=True, before=before)
            call.target_holds = (*call.target_holds, hold)
        elif hard:
            call.holds = (*call.holds, _reservation(hard, at_target=False, before=0))

    def _flat(self, call: "Governed", spec: BudgetSpec) -> int:
        if spec.flat_nanousd is not None or not spec.hard:
            return spec.flat_nanousd or 0
        raise PolicyRefused(
            f"What this call may cost cannot be known beforehand: '{call.model[:200]}' has no price here, or the"
            f" request has no bound (a limit of output tokens gives it one). {spec.shown[:1].upper()}{spec.shown[1:]}"
            " is a hard one and counts no flat amount for such calls.",
            details={"budget": spec.id, "model": call.model[:200]},
        )

    # ---- waiting

    def _wait(self, call: "Governed", pot: Pot, amount: int, until: float | None) -> None:
        """Raises the refusal where it is known already."""
        if pot.is_dry_for(amount):
            raise pot.refusal(amount)
        pot.wait(Waiter(call, self, amount, until if until is not None else call.relay.now() + WAIT_S))

    def try_again(self, waiter: Waiter) -> None:
        """There is money now in the pot that was short; another may be."""
        call = waiter.call
        try:
            if self._reserve(call, self._all_purses(call), waiter.until):
                call.go_on()
        except TurnpikeError as error:
            call.refuse(error)


def _reservation(parts: "Iterable[tuple[Pot, int]]", *, at_target: bool, before: int) -> Reservation:
    pots, amounts = zip(*parts, strict=True)
    return Reservation(pots, amounts, at_target=at_target, before=before)


def _distinct(bounds: "Iterable[Bound]") -> tuple[Bound, ...]:
    """Rates of pictures hold tables, which have no hash."""
    found: list[Bound] = []
    for bound in bounds:
        if not any(bound.same_as == other.same_as for other in found):
            found.append(bound)
    return tuple(found)


# ---- who has one


def build(relay: "Relay", entry: "Entry", route: "Route", plan: "Plan | None") -> "Gate | None":
    """For a caller's own budgets, its department's and the gateway's. `plan` None: a call that is passed through."""
    money = relay.money
    specs = (*entry.budgets, *money.of_department(entry.caller.department_id), *money.of_gateway())
    if not specs and not money.any_tag:
        return None
    return MoneyGate(specs, (target.bound for target in plan.targets) if plan is not None else ())


def build_target(
    model: "ModelSpec | None", provider: "ProviderSpec", credential: "CredentialSpec | None"
) -> "Gate | None":
    """For the budgets of a model, provider and credential."""
    specs = (
        *(model.budgets if model is not None else ()),
        *provider.budgets,
        *(credential.budgets if credential is not None else ()),
    )
    if not specs:
        return None
    bounds = (Bound(model.rates, model.context_window, model.max_output_tokens),) if model is not None else ()
    return MoneyGate(specs, bounds, at_target=True)
