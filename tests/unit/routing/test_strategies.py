"""How targets are chosen: in which shares, how steadily, and never one that rests."""

from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from turnpike.contract.backends import BackendState
from turnpike.contract.routes import StickyBy, Strategy
from turnpike.contract.routing.hashing import in_share, prompt_prefix
from turnpike.contract.routing.measuring import figure
from turnpike.relay.breaker import Breaker
from turnpike.relay.gauge import Gauge
from turnpike.relay.routing.plan import Plan, RoutedPlan
from turnpike.relay.routing.strategies import make_picker
from turnpike.wire.prices import Rates


class _Served:
    def __init__(self, name: str, model: str) -> None:
        self.deployment_id, self.credential_id, self.model = name, None, model
        self.provider_id = name


class FakeTarget:
    """What strategies look at of a target."""

    def __init__(self, name: str, rates: Rates | None = None, model: str = "m") -> None:
        self.name = name
        self.gauge, self.breaker = Gauge(), Breaker(1, 30.0)
        self.rates = rates
        self.served = _Served(name, model)

    def rest(self, now: float) -> None:
        self.breaker.failed(now)


class FakeCall:
    def __init__(self, session: bytes | None = None, user: str = "u", body: bytes = b"") -> None:
        self.body = body
        self.head = cast("Any", type("Head", (), {"session": session})())
        caller = type("Caller", (), {"user_id": user})()
        self.entry = cast("Any", type("Entry", (), {"caller": caller})())
        self.streams = False


def targets(number: int) -> list[Any]:
    return [FakeTarget(f"d{at}") for at in range(number)]


def picker(
    strategy: Strategy, found: list[Any], weights: list[int] | None = None, by: StickyBy = StickyBy.SESSION
) -> Any:
    return make_picker(strategy, zip(found, weights or [1] * len(found), strict=True), by)


@given(st.lists(st.integers(1, 8), min_size=1, max_size=6))
def test_weighted_turns_are_exact_over_a_round(weights: list[int]) -> None:
    found = targets(len(weights))
    pick = picker(Strategy.WEIGHTED, found, weights)
    counted = Counter(pick.pick(None, 0.0, ()).name for _ in range(sum(weights)))
    assert [counted[each.name] for each in found] == weights


@given(st.integers(1, 6), st.lists(st.integers(1, 9), min_size=6, max_size=6))
def test_round_robin_takes_no_weights(number: int, weights: list[int]) -> None:
    found = targets(number)
    pick = picker(Strategy.ROUND_ROBIN, found, weights[:number])
    counted = Counter(pick.pick(None, 0.0, ()).name for _ in range(number * 3))
    assert set(counted.values()) == {3}


@pytest.mark.parametrize("strategy", list(Strategy))
@given(resting=st.sets(st.integers(0, 4)), tried=st.sets(st.integers(0, 4)))
def test_none_is_chosen_that_rests_or_was_tried(strategy: Strategy, resting: set[int], tried: set[int]) -> None:
    found = targets(5)
    for at in resting:
        found[at].rest(0.0)
    pick = picker(strategy, found)
    open_ones = set(range(5)) - resting - tried
    chosen = pick.pick(FakeCall(), 1.0, tuple(found[at] for at in tried))
    assert (chosen is None) == (not open_ones)
    assert chosen is None or found.index(chosen) in open_ones


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_provider_that_asked_to_be_left_alone_is(strategy: Strategy) -> None:
    found = targets(2)
    found[0].breaker.rest(10.0)
    pick = picker(strategy, found)
    assert {pick.pick(FakeCall(), 5.0, ()).name for _ in range(10)} == {"d1"}
    plain = Plan("m", [(each, 1) for each in found], [])
    assert {cast("Any", plain.choose(5.0)).name for _ in range(4)} == {"d1"}


@pytest.mark.parametrize("strategy", [Strategy.EWMA, Strategy.LOWEST_LATENCY])
def test_the_fast_one_gets_most_calls(strategy: Strategy) -> None:
    found = targets(3)
    for each, latency_s in zip(found, (0.5, 0.05, 0.5), strict=True):
        each.gauge.latency_s, each.gauge.seen = latency_s, 100.0
    pick = picker(strategy, found)
    counted = Counter(pick.pick(None, 100.0, ()).name for _ in range(600))
    # Of two at random the fast one is among them in two of three draws.
    assert counted["d1"] > 330


@pytest.mark.parametrize("strategy", [Strategy.EWMA, Strategy.LEAST_BUSY, Strategy.LOWEST_LATENCY])
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_relays_choose_by_the_figures_that_explanations_show(strategy: Strategy, data: st.DataObject) -> None:
    found = targets(2)
    weights = [data.draw(st.integers(1, 5)) for _ in found]
    figures: list[float] = []
    for each, weight in zip(found, weights, strict=True):
        gauge = each.gauge
        gauge.latency_s, gauge.in_flight = data.draw(st.floats(0.001, 5)), data.draw(st.integers(0, 50))
        gauge.failing, gauge.seen = data.draw(st.floats(0, 1)), data.draw(st.floats(0, 100))
        state = BackendState("d", "", gauge.in_flight, 0, 0, gauge.latency_s, 100.0 - gauge.seen, gauge.failing)
        figures.append(figure(strategy, weight, state))
    assume(abs(figures[0] - figures[1]) > 0.02 * max(figures))
    pick = picker(strategy, found, weights)
    assert {pick.pick(None, 100.0, ()) for _ in range(4)} == {found[figures.index(min(figures))]}


def test_what_is_alike_takes_turns() -> None:
    for strategy in (Strategy.EWMA, Strategy.LEAST_BUSY, Strategy.LOWEST_LATENCY):
        pick = picker(strategy, targets(3))
        assert set(Counter(pick.pick(None, 0.0, ()).name for _ in range(60)).values()) == {20}, strategy


def test_a_slow_one_gets_another_chance_after_a_while() -> None:
    found = targets(2)
    found[0].gauge.latency_s, found[0].gauge.seen = 1.0, 0.0
    found[1].gauge.latency_s, found[1].gauge.seen = 0.5, 100.0
    assert picker(Strategy.LOWEST_LATENCY, found).pick(None, 100.0, ()).name == "d0"


def test_ewma_avoids_the_one_that_fails_and_the_one_with_a_queue() -> None:
    found = targets(2)
    for each in found:
        each.gauge.latency_s, each.gauge.seen = 0.1, 1.0
    pick = picker(Strategy.EWMA, found)
    found[0].gauge.failing = 0.5
    assert {pick.pick(None, 1.0, ()).name for _ in range(20)} == {"d1"}
    found[1].gauge.in_flight = 9
    assert {pick.pick(None, 1.0, ()).name for _ in range(20)} == {"d0"}


def test_least_busy_goes_by_calls_in_hand_for_the_weight() -> None:
    found = targets(2)
    found[0].gauge.in_flight, found[1].gauge.in_flight = 3, 2
    assert picker(Strategy.LEAST_BUSY, found).pick(None, 0.0, ()).name == "d1"
    assert picker(Strategy.LEAST_BUSY, found, [4, 1]).pick(None, 0.0, ()).name == "d0"


def test_lowest_cost_takes_the_cheapest_that_is_there_and_unpriced_ones_last() -> None:
    dear, cheap = Rates(input=10_000, output=10_000), Rates(input=1, output=1)
    found: list[Any] = [FakeTarget("none"), FakeTarget("dear", dear), FakeTarget("a", cheap), FakeTarget("b", cheap)]
    pick = picker(Strategy.LOWEST_COST, found)
    assert Counter(pick.pick(None, 0.0, ()).name for _ in range(4)) == {"a": 2, "b": 2}
    found[2].rest(0.0)
    found[3].rest(0.0)
    assert pick.pick(None, 1.0, ()).name == "dear"
    assert pick.pick(None, 1.0, (found[1],)).name == "none"


@settings(deadline=None)
@given(st.integers(2, 8), st.data())
def test_a_target_that_goes_moves_its_own_sessions_alone(number: int, data: st.DataObject) -> None:
    found = targets(number)
    gone = data.draw(st.integers(0, number - 1))
    sessions = [FakeCall(f"s{at}".encode()) for at in range(60)]
    before = [picker(Strategy.STICKY, found).pick(each, 0.0, ()) for each in sessions]
    left = [each for at, each in enumerate(found) if at != gone]
    after = [picker(Strategy.STICKY, left).pick(each, 0.0, ()) for each in sessions]
    for old, new in zip(before, after, strict=True):
        assert old is new or old is found[gone]


def test_a_sticky_target_is_given_no_more_than_a_quarter_above_its_share() -> None:
    """One session is half of all calls, and every call stays in hand."""
    found = targets(4)
    pick = picker(Strategy.STICKY, found, [1, 1, 1, 1])
    for at in range(800):
        session = b"favourite" if at % 2 else f"s{at}".encode()
        pick.pick(FakeCall(session), 0.0, ()).gauge.begin()
    held = [each.gauge.in_flight for each in found]
    assert sum(held) == 800
    assert max(held) <= 800 / 4 * 1.25 + 1
    assert min(held) > 100


def test_bounded_load_follows_weights_and_leaves_quiet_hours_alone() -> None:
    found = targets(2)
    pick = picker(Strategy.STICKY, found, [3, 1])
    for _ in range(400):
        pick.pick(FakeCall(b"one"), 0.0, ()).gauge.begin()
    assert sorted(each.gauge.in_flight for each in found)[1] <= 400 * 0.75 * 1.25 + 1
    quiet = targets(4)
    pick = picker(Strategy.STICKY, quiet)
    home = pick.pick(FakeCall(b"one"), 0.0, ())
    for _ in range(8):
        assert pick.pick(FakeCall(b"one"), 0.0, ()) is home
        home.gauge.begin()


def test_with_all_at_their_bounds_the_sessions_own_target_takes_it() -> None:
    found = targets(2)
    for each in found:
        each.gauge.in_flight = 100
    pick = picker(Strategy.STICKY, found)
    first = pick.pick(FakeCall(b"one"), 0.0, ())
    second = pick.pick(FakeCall(b"one"), 0.0, (first,))
    assert {first.name, second.name} == {"d0", "d1"}


def test_a_new_sticky_target_takes_its_share_and_moves_nobody_else() -> None:
    found = targets(5)
    sessions = [FakeCall(f"s{at}".encode()) for at in range(1000)]
    before = [picker(Strategy.STICKY, found[:4]).pick(each, 0.0, ()) for each in sessions]
    after = [picker(Strategy.STICKY, found).pick(each, 0.0, ()) for each in sessions]
    moved = [new for old, new in zip(before, after, strict=True) if old is not new]
    assert set(moved) == {found[4]}
    assert 130 < len(moved) < 270


def test_sticky_weights_are_shares() -> None:
    found = targets(3)
    pick = picker(Strategy.STICKY, found, [1, 1, 2])
    counted = Counter(pick.pick(FakeCall(f"session {at}".encode()), 0.0, ()).name for at in range(4000))
    assert abs(counted["d2"] - 2000) < 200
    assert abs(counted["d0"] - 1000) < 200


def test_who_names_no_session_is_told_by_user() -> None:
    found = targets(8)
    pick = picker(Strategy.STICKY, found)
    assert len({pick.pick(FakeCall(user="ann"), 0.0, ()).name for _ in range(5)}) == 1
    assert len({pick.pick(FakeCall(user=f"user {at}"), 0.0, ()).name for at in range(100)}) > 5


TURNS = (
    b'{"model":"m","temperature":0.5,"messages":[{"role":"system","content":"be brief"}',
    b',{"role":"user","content":"one"}',
    b',{"role":"assistant","content":"1"},{"role":"user","content":"two"}',
)


def test_a_prompts_beginning_stays_the_same_as_the_conversation_grows() -> None:
    bodies = [b"".join(TURNS[:end]) + b"]}" for end in (1, 2, 3)]
    assert len({prompt_prefix(body) for body in bodies}) == 1
    assert prompt_prefix(bodies[0]) != prompt_prefix(bodies[0].replace(b"brief", b"wordy"))
    found = targets(8)
    pick = picker(Strategy.STICKY, found, by=StickyBy.PROMPT_PREFIX)
    assert len({pick.pick(FakeCall(body=body), 0.0, ()).name for body in bodies}) == 1


@given(st.text(max_size=20), st.floats(0, 100), st.floats(0, 100))
def test_a_share_that_grows_keeps_those_it_had(who: str, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert in_share("r", who, high) or not in_share("r", who, low)
    assert not in_share("r", who, 0)
    assert in_share("r", who, 100)


def test_a_share_is_about_its_percentage() -> None:
    assert abs(sum(in_share("r", f"user {at}", 5) for at in range(20_000)) - 1000) < 150


def test_groups_come_in_their_order_and_other_models_behind_them_once_each() -> None:
    first, second = targets(2), [FakeTarget("e0")]
    other: Any = [FakeTarget("f0", model="other"), FakeTarget("f1", model="other")]
    last: Any = [FakeTarget("g0", model="last")]
    groups = [[(each, 1) for each in group] for group in (first, second)]
    others = [[(each, 1) for each in group] for group in (other, last)]
    plan = RoutedPlan("m", cast("Any", groups), Strategy.WEIGHTED, StickyBy.SESSION, cast("Any", others), "r")
    assert cast("Any", plan.choose(0.0)).name in {"d0", "d1"}
    tried: tuple[Any, ...] = ()
    names: list[str] = []
    while (target := plan.next_after(tried, 0.0)) is not None:
        names.append(cast("Any", target).name)
        tried = (*tried, target)
    assert [name[0] for name in names] == ["d", "d", "e", "f", "f", "g"]
    assert cast("Any", plan.other_model(tuple(first), 0.0, None)).served.model == "other"
    assert cast("Any", plan.other_model((*first, other[0]), 0.0, None)).served.model == "last"
    assert plan.other_model((*first, other[0], last[0]), 0.0, None) is None
    assert (
        plan.lines(other[0], "overloaded")
        == b"x-turnpike-route: r\r\nx-turnpike-fallback: other; reason=overloaded\r\n"
    )
