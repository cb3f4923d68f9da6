"""What a relay holds of one budget.

A pot's money is in three parts: `left` for calls to come, `reserved` by calls under way, and what was spent. A relay
never spends beyond what it was lent, as long as a call's bound holds; what a call costs beyond it is a debt that the
next loan pays first.
"""

from collections import deque
from typing import TYPE_CHECKING

import msgspec

from turnpike.contract.budgets import AskMoney, BudgetSpec, MoneyLent, charge_text

if TYPE_CHECKING:
    from turnpike.errors import TurnpikeError
    from turnpike.relay.gates import Governed
    from turnpike.relay.money.desk import Money
    from turnpike.relay.money.gate import MoneyGate

WAIT_S = 3.0
"""How long a call waits for money that may come back."""
_AGAIN_S = 0.05
_DRY_S = 2.0
"""How long a budget that has nothing to lend is not asked about again."""
_FIRST_WISH = 32
"""Calls that a first loan should do for."""
_BUSY_S = 1.0
_WISH_AT_MOST = 1 << 50


class Waiter:
    """A call that waits for money."""

    __slots__ = ("amount", "call", "gate", "until")

    def __init__(self, call: "Governed", gate: "MoneyGate", amount: int, until: float) -> None:
        self.call = call
        self.gate = gate
        self.amount = amount
        self.until = until


class Pot:
    """One period's money."""

    __slots__ = (
        "amount", "asking", "away", "counter", "dry_from", "dry_until", "end_ms", "fresh", "held", "is_fresh", "left",
        "next_ask", "owes", "pending", "purse", "recalled", "reserved", "spent", "start_ms", "used_at", "waiting",
        "wish", "wished_at",
    )  # fmt: skip

    def __init__(self, purse: "Purse", start_ms: int, end_ms: int) -> None:
        self.purse = purse
        self.start_ms = start_ms
        self.end_ms = end_ms
        self.counter = charge_text(purse.spec.id, start_ms)
        self.left = 0
        self.reserved = 0
        self.held = 0
        self.is_fresh = True
        """Control was not asked yet, or its first answer was lost."""
        self.fresh = 0
        self.asking = 0
        """Number of the open question."""
        self.owes = False
        """Control may think that more is held than is."""
        self.recalled = False
        self.waiting: deque[Waiter] = deque()
        self.wish = 0
        self.wished_at = 0.0
        self.next_ask = 0.0
        self.used_at = 0.0
        self.dry_from = 0
        """A call of this bound or more cannot be paid; until `dry_until`."""
        self.dry_until = 0.0
        self.pending = False
        self.away = False
        self.amount = purse.spec.amount_nanousd
        self.spent = 0
        """By control's last word."""

    @property
    def idle(self) -> bool:
        """Nothing would be lost with it."""
        return not (self.left or self.reserved or self.asking or self.owes or self.waiting)

    # ---- spending

    def take(self, amount: int) -> None:
        """Reserves; the caller has seen that there is enough, or the budget is not hard."""
        self.left -= amount
        self.reserved += amount
        money = self.purse.money
        self.used_at = now = money.now
        if self.left < self.wish >> 1 and not self.asking and now >= self.next_ask:
            money.ask(self, 0)

    def settle(self, amount: int, cost: int) -> None:
        """A reservation became its real cost."""
        self.reserved -= amount
        self.left += amount - cost
        if amount > cost:
            self.dry_until = 0.0
        if self.waiting:
            self.serve()

    def move(self, amount: int) -> None:
        """A reservation went over to what was made, whose cost comes later: it is no longer this relay's."""
        self.reserved -= amount
        self.held -= amount
        self.owes = True
        self.purse.money.keep(self)

    def is_dry_for(self, amount: int) -> bool:
        """It is known that so much will not come, neither from calls under way nor from control."""
        return amount >= self.dry_from and self.purse.money.now < self.dry_until and not self.reserved

    # ---- waiting

    def wait(self, waiter: Waiter) -> None:
        self.waiting.append(waiter)
        self.purse.money.keep(self)
        if not self.asking and self.purse.money.now >= self.next_ask:
            self.ask_for_waiting()

    def ask_for_waiting(self) -> None:
        short = [each.amount for each in self.waiting if not each.call.ended]
        if short:
            self.purse.money.ask(self, max(1, short[0] - self.left), sum(short) - self.left)

    def serve(self) -> None:
        """Lets go on who can be paid now, in the order of coming."""
        waiting = self.waiting
        while waiting:
            waiter = waiting[0]
            if waiter.call.ended:
                waiting.popleft()
            elif waiter.amount <= self.left or not self.purse.spec.hard:
                waiting.popleft()
                waiter.gate.try_again(waiter)
            else:
                return

    def sweep(self, now: float) -> None:
        """Ten times a second while somebody waits."""
        self.serve()
        while self.waiting and self.waiting[0].until <= now:
            waiter = self.waiting.popleft()
            if not waiter.call.ended:
                waiter.call.refuse(self.refusal(waiter.amount))
        if self.waiting and not self.asking and now >= self.next_ask:
            self.ask_for_waiting()

    def refuse_waiting(self) -> None:
        """There is nothing more to come, but what is left may do for some."""
        waiting, self.waiting = self.waiting, deque(each for each in self.waiting if each.amount < self.dry_from)
        for waiter in waiting:
            if waiter.amount >= self.dry_from and not waiter.call.ended:
                waiter.call.refuse(self.refusal(waiter.amount))
        self.serve()

    def refusal(self, amount: int) -> "TurnpikeError":
        return self.purse.money.refusal(self, amount)

    # ---- what control says

    def question(self, number: int, least: int, want: int) -> AskMoney:
        self.asking = number
        if self.is_fresh and not self.fresh:
            self.fresh = number
        free = self.left + self.reserved
        fresh = self.fresh if self.is_fresh else 0
        return AskMoney(number, self.purse.spec.id, self.start_ms, self.held, free, fresh, least, want)

    def wish_for(self, amount: int, now: float) -> int:
        """How much to ask for: enough for a while, more when the last loan did not last."""
        first = amount * _FIRST_WISH
        if now - self.wished_at < _BUSY_S:
            self.wish = min(self.wish * 2, _WISH_AT_MOST)
        elif now - self.wished_at > 10 * _BUSY_S:
            self.wish >>= 1
        self.wish = max(self.wish, first)
        self.wished_at = now
        return self.wish

    def lent(self, answer: MoneyLent, now: float) -> None:
        if answer.id != self.asking:
            return
        self.asking = 0
        self.away = answer.unavailable
        if answer.unavailable:
            self.owes = True
            self.next_ask = now + 5 * _AGAIN_S
            return
        self.owes = False
        self.pending = answer.pending
        if answer.void:
            self.next_ask = now + _DRY_S
            self.void()
            return
        self.is_fresh = False
        self.fresh = 0
        self.held = answer.held_nanousd
        self.left += answer.lent_nanousd
        self.amount, self.spent = answer.amount_nanousd, answer.spent_nanousd
        self.next_ask = now + (0.0 if answer.lent_nanousd else _AGAIN_S)
        self.serve()
        if self.recalled:
            self.give_back()
        elif self.waiting and not answer.pending and not self.reserved and not answer.lent_nanousd:
            self.dry_from = self.left + answer.most_nanousd + 1
            self.dry_until = now + _DRY_S
            self.refuse_waiting()

    def void(self) -> None:
        """The budget limits nothing any more; until another word comes it is only counted."""
        self.purse.spec = msgspec.structs.replace(self.purse.spec, hard=False)
        self.purse.money.version += 1
        self.serve()

    def give_back(self) -> None:
        """All that no call needs now."""
        if self.asking:
            self.recalled = True
            return
        self.recalled = False
        if self.left > 0:
            self.held -= self.left
            self.left = 0
            self.owes = True
        if self.waiting:
            self.ask_for_waiting()
        elif self.owes:
            self.purse.money.say_held(self)

    def lost(self) -> None:
        """The line to control broke: an answer may be lost with it."""
        if self.asking:
            self.asking = 0
            self.owes = True


class Purse:
    """One budget's pots. The same object for all gates, from snapshot to snapshot."""

    __slots__ = ("money", "pot", "pots", "spec")

    def __init__(self, money: "Money", spec: BudgetSpec, at_ms: int) -> None:
        self.money = money
        self.spec = spec
        self.pots: dict[int, Pot] = {}
        self.pot = self.pot_at(at_ms)

    def pot_at(self, at_ms: int) -> Pot:
        """Of the period that a moment lies in."""
        start, end = self.spec.span.of(at_ms)
        pot = self.pots.get(start)
        if pot is None:
            pot = Pot(self, start, end)
            for old in [each for each in self.pots.values() if each.end_ms <= start]:
                old.give_back()
                if old.idle:
                    del self.pots[old.start_ms]
            self.pots[start] = pot
            if len(self.pots) == 1 or start > self.pot.start_ms:
                self.pot = pot
        return pot

    def renew(self, spec: BudgetSpec) -> None:
        """The budget was changed: what was found out about it holds no longer."""
        if spec == self.spec:
            return
        self.spec = spec
        self.money.version += 1
        for pot in self.pots.values():
            pot.dry_until = 0.0
            pot.next_ask = 0.0
            pot.serve()
