"""A gate of limits in front of a truth in memory: what it lets pass, what it settles, and what it does without one."""

import asyncio
import random
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from turnpike.contract.leases import LeaseAnswer, LeaseAsk, LimitsReset, SliceAnswer
from turnpike.contract.limits import LimitRule, Resource, Subject
from turnpike.errors import RateLimited, TurnpikeError, Unavailable
from turnpike.relay.gates.limits import LimitsGate
from turnpike.relay.limits import Desk
from turnpike.wire.bounds import Bound
from turnpike.wire.types.usage import Usage

WINDOW_S = 60


class Truth:
    """One window's count, lent to any number of desks. `away`: it does not answer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.used: dict[tuple[str, str], int] = {}
        self.away = False

    def desk(self) -> Desk:
        made = Desk(lambda: self.now)

        def tell(message: Any) -> bool:
            assert isinstance(message, LeaseAsk)
            asyncio.get_running_loop().call_soon(self._answer, made, message)
            return True

        made.tell = tell
        return made

    def _answer(self, desk: Desk, message: LeaseAsk) -> None:
        if self.away:
            desk.answered(LeaseAnswer(message.id, None))
            return
        slices: list[SliceAnswer] = []
        for ask in message.asks:
            key = ask.scope, ask.resource
            used = self.used.get(key, 0) - ask.back
            granted = max(0, min(ask.wanted, ask.limit - used, max(ask.least, (ask.limit - used) // 4)))
            self.used[key] = used + granted
            slices.append(SliceAnswer(ask.number, granted, used + granted, 7, WINDOW_S * 1000))
        desk.answered(LeaseAnswer(message.id, tuple(slices)))


@dataclass
class Call:
    """As much of a call as the gate sees."""

    bound: int | None = None
    expects: int = 1
    units: int = 1
    ended: bool = False
    holds: tuple[Any, ...] = ()
    target_holds: tuple[Any, ...] = ()
    extra_headers: bytes = b""
    relay: Any = field(default_factory=lambda: SimpleNamespace(wall_offset_ms=0.0))
    state: str = "waits"
    error: TurnpikeError | None = None

    def expected(self, resource: str) -> int:
        return self.expects

    def bound_tokens(self, bounds: tuple[Bound, ...]) -> int | None:
        return self.bound

    def go_on(self) -> None:
        self.state = "passed"

    def refuse(self, error: TurnpikeError) -> None:
        self.state, self.error = "refused", error

    def enter(self, gate: LimitsGate) -> "Call":
        try:
            if gate.enter(self):  # pyright: ignore[reportArgumentType] - as much of a call as is asked for
                self.state = "passed"
        except TurnpikeError as error:
            self.refuse(error)
        return self

    def end(self, tokens: int) -> None:
        holds, self.holds, self.ended = self.holds, (), True
        for hold in holds:
            hold.release(self, Usage(input_tokens=tokens), 0)


def tokens_rule(amount: int, **more: Any) -> LimitRule:
    return LimitRule("r", Subject.KEY, "k", Resource.TOKENS, amount, WINDOW_S, **more)


def gate_of(desk: Desk, rule: LimitRule) -> LimitsGate:
    bounds = [Bound(None, 1000, 100)]
    return LimitsGate(desk, [desk.meter(rule, "k")], bounds, addresses=False, anthropic=False, of_target=False)


async def turn(truth: Truth, *desks: Desk, seconds: float = 0.1) -> None:
    """Time passes: questions are answered, and desks look round."""
    for _ in range(4):
        await asyncio.sleep(0)
    truth.now += seconds
    for desk in desks:
        desk.sweep(truth.now)
    for _ in range(4):
        await asyncio.sleep(0)


@pytest.mark.parametrize("seed", range(5))
async def test_however_much_calls_use_of_their_bounds_the_limit_of_tokens_is_never_gone_over(seed: int) -> None:
    chance, truth = random.Random(seed), Truth()
    desks = [truth.desk() for _ in range(3)]
    rule = tokens_rule(10_000)
    gates = [gate_of(desk, rule) for desk in desks]
    running: list[Call] = []
    used = 0
    for _ in range(400):
        bound = chance.randint(50, 900)
        running.append(Call(bound=bound, expects=bound // 8).enter(chance.choice(gates)))
        if chance.random() < 0.5:
            await turn(truth, *desks, seconds=0.05)
        for call in [each for each in running if each.state == "passed" and chance.random() < 0.3]:
            running.remove(call)
            spent = chance.randint(0, call.bound or 0)
            used += spent
            call.end(spent)
    assert used <= 10_000
    for call in running:
        if call.state == "passed":
            used += call.bound or 0
            call.end(call.bound or 0)
    assert 9_000 <= used <= 10_000


async def test_a_call_that_may_use_more_than_the_whole_limit_is_told_so() -> None:
    truth = Truth()
    desk = truth.desk()
    call = Call(bound=1064).enter(gate_of(desk, tokens_rule(1000)))
    assert isinstance(call.error, RateLimited)
    assert "up to 1064 tokens" in call.error.message
    assert "1000 tokens per minute" in call.error.message
    assert call.error.details["limit"]["needed"] == 1064
    assert b"x-should-retry: false" in call.extra_headers
    assert truth.used == {}, "nothing was taken for it"


async def test_a_limit_that_estimates_lets_it_pass_when_nothing_is_used() -> None:
    truth = Truth()
    desk = truth.desk()
    gate = gate_of(desk, tokens_rule(1000, estimate=True))
    first, second = Call(bound=5000, expects=2000).enter(gate), Call(bound=5000, expects=10).enter(gate)
    await turn(truth, desk)
    assert (first.state, second.state) == ("passed", "waits")
    await turn(truth, desk, seconds=4)
    assert second.state == "refused"


async def test_what_has_no_bound_is_estimated() -> None:
    truth = Truth()
    desk = truth.desk()
    call = Call(bound=None, expects=30).enter(gate_of(desk, tokens_rule(1000)))
    await turn(truth, desk)
    assert call.state == "passed"


async def test_what_calls_under_way_have_reserved_is_waited_for_and_what_they_did_not_use_comes_back() -> None:
    truth = Truth()
    desk = truth.desk()
    gate = gate_of(desk, tokens_rule(1000))
    first = Call(bound=900).enter(gate)
    await turn(truth, desk)
    second = Call(bound=900).enter(gate)
    await turn(truth, desk, seconds=1)
    assert (first.state, second.state) == ("passed", "waits")
    first.end(50)
    await turn(truth, desk)
    assert second.state == "passed"
    third = Call(bound=900).enter(gate)
    for _ in range(35):
        await turn(truth, desk)
    assert isinstance(third.error, RateLimited)
    assert "reserved by calls that are under way" in third.error.message
    assert third.error.retry_after_s == 2


async def test_after_a_reset_nothing_of_before_comes_back() -> None:
    truth = Truth()
    desk = truth.desk()
    gate = gate_of(desk, tokens_rule(1000))
    old = Call(bound=900).enter(gate)
    await turn(truth, desk)
    truth.used.clear()
    desk.reset(LimitsReset((("key:k", Resource.TOKENS, WINDOW_S * 1000),)))
    new = Call(bound=1000).enter(gate)
    await turn(truth, desk)
    assert new.state == "passed"
    old.end(0)
    assert Call(bound=500).enter(gate).state == "waits", "the 900 were of before"


@pytest.mark.parametrize("is_open", [False, True])
async def test_a_long_outage_is_over_for_a_limit_as_soon_as_the_truth_is_back(*, is_open: bool) -> None:
    truth = Truth()
    desk = truth.desk()
    rule = LimitRule("r", Subject.KEY, "k", Resource.REQUESTS, 1000, WINDOW_S, open=is_open)
    gate = gate_of(desk, rule)
    truth.away = True
    call = Call()
    for _ in range(100):
        call = Call().enter(gate)
        await turn(truth, desk)
    if is_open:
        assert call.state == "passed"
        assert desk.uncounted > 50
    else:
        assert isinstance(call.error, Unavailable)
    assert desk.state != "ok"
    truth.away = False
    for _ in range(20):
        call = Call().enter(gate)
        await turn(truth, desk)
    assert call.state == "passed"
    assert desk.state == "ok" or desk.away_since is None
    assert truth.used[("key:k", Resource.REQUESTS)] > 0
