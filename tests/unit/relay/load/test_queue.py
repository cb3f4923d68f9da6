"""Fairness of the queue, the steps of shedding, and the budget of retries."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.relay.load.fair import FairQueue, Ticket
from turnpike.relay.load.pressure import Pressure
from turnpike.relay.load.retries import RetryBudget

WEIGHTS = {"free": 1.0, "pro": 4.0, "enterprise": 16.0}


def ticket(number: int, tier: str) -> Ticket[int]:
    return Ticket(number, tier, WEIGHTS[tier], float(number), 1e9)


def filled(*tiers: str) -> FairQueue[int]:
    queue: FairQueue[int] = FairQueue()
    for number, tier in enumerate(tiers):
        queue.push(ticket(number, tier))
    return queue


def drained(queue: FairQueue[int], number: int = 10**9) -> list[Ticket[int]]:
    taken: list[Ticket[int]] = []
    while len(taken) < number and (each := queue.pop()) is not None:
        taken.append(each)
    return taken


def test_shares_follow_the_weights_while_all_wait() -> None:
    queue = filled(*(tier for _ in range(400) for tier in WEIGHTS))
    counts = Counter(each.tier for each in drained(queue, 210))
    assert counts == {"free": 10, "pro": 40, "enterprise": 160}


@given(st.lists(st.sampled_from(list(WEIGHTS)), min_size=1, max_size=200))
def test_all_are_taken_once_and_each_tier_in_its_order(tiers: list[str]) -> None:
    taken = drained(filled(*tiers))
    assert sorted(each.item for each in taken) == list(range(len(tiers)))
    for tier in WEIGHTS:
        mine = [each.item for each in taken if each.tier == tier]
        assert mine == sorted(mine)


@given(st.lists(st.sampled_from(["pro", "enterprise"]), min_size=60, max_size=120), st.integers(0, 50))
def test_nobody_starves_however_many_of_higher_tiers_come(others: list[str], before: int) -> None:
    queue = filled(*others[:before])
    queue.push(ticket(1000, "free"))
    for number, tier in enumerate(others):
        queue.push(ticket(2000 + number, tier))
        queue.push(ticket(3000 + number, "enterprise"))
        taken = queue.pop()
        assert taken is not None
        if taken.tier == "free":
            return
        if number >= 40:
            break
    raise AssertionError("a tier of weight 1 had not one of 40 turns, among weights of 1 + 4 + 16")


def test_a_tier_that_slept_saves_no_turns_up() -> None:
    queue = filled(*["enterprise"] * 500)
    drained(queue, 400)
    for number in range(100):
        queue.push(ticket(1000 + number, "free"))
    first = [each.tier for each in drained(queue, 34)]
    assert first.count("free") <= 3


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["push", "pop", "leave"]), st.integers(0, 2)), max_size=300))
def test_a_ticket_in_several_queues_is_taken_once_and_nothing_is_lost(steps: list[tuple[str, int]]) -> None:
    queues: list[FairQueue[int]] = [FairQueue(), FairQueue(), FairQueue()]
    waiting: dict[int, Ticket[int]] = {}
    tiers = list(WEIGHTS)
    for number, (step, which) in enumerate(steps):
        if step == "push":
            new = ticket(number, tiers[number % 3])
            for queue in queues[: which + 1]:
                queue.push(new)
            waiting[number] = new
        elif step == "pop":
            taken = queues[which].pop()
            if taken is not None:
                del waiting[taken.item]
        elif waiting:
            waiting.pop(next(iter(waiting))).take()
        for queue in queues:
            assert queue.live == sum(queue in each.queues for each in waiting.values())
    for queue in queues:
        for each in drained(queue):
            del waiting[each.item]
    assert not waiting


def test_places_of_those_who_left_are_cleared_away() -> None:
    queue: FairQueue[int] = FairQueue()
    for number in range(5000):
        queue.push(ticket(number, "free"))
        if number % 50:
            each = ticket(number, "free")
            queue.push(each)
            each.take()
    tier = queue._tiers["free"]
    assert queue.live == tier.live == 5000
    assert len(tier.places) <= 2 * tier.live + 64


def press(pressure: Pressure, signal: float, start: float, seconds: float, tiers: int = 2) -> list[int]:
    levels = []
    for tick in range(round(seconds * 10)):
        pressure.look(signal, tiers, start + tick / 10)
        levels.append(pressure.level)
    return levels


def test_a_moment_of_pressure_turns_nobody_away() -> None:
    pressure = Pressure()
    assert max(press(pressure, 5.0, 0.0, 0.9)) == 0
    assert max(press(pressure, 0.1, 1.0, 1.0)) == 0


def test_tiers_are_turned_away_one_by_one_and_come_back_slower() -> None:
    pressure = Pressure()
    up = press(pressure, 2.0, 0.0, 4.0)
    assert sorted(up) == up
    assert up[-1] == 2, "never the highest"
    down = press(pressure, 0.1, 4.0, 10.0)
    assert sorted(down, reverse=True) == down
    assert down[-1] == 0
    assert down.count(2) > up.count(1), "back slower than away"


def test_between_pressure_and_relief_nothing_moves() -> None:
    pressure = Pressure()
    press(pressure, 2.0, 0.0, 1.5)
    level = pressure.level
    assert set(press(pressure, 0.7, 2.0, 20.0)) == {level}


def test_one_late_turn_of_the_loop_is_no_lag_to_speak_of() -> None:
    pressure = Pressure()
    pressure.lagged(1.5)
    for _ in range(5):
        pressure.lagged(0.0)
    assert pressure.lag_s < 0.1


def test_retries_are_a_share_of_the_requests_and_a_few_besides() -> None:
    budget = RetryBudget()
    allowed = attempts = 0
    for number in range(1000):
        attempts += 1
        if budget.may(number / 200, attempts, 0.2, 10):
            attempts += 1
            allowed += 1
    assert 200 <= allowed <= 211
    assert budget.refused == 1000 - allowed


def test_the_budget_is_there_again_after_its_window() -> None:
    budget = RetryBudget()
    assert [budget.may(0.0, 0, 0.2, 2) for _ in range(3)] == [True, True, False]
    assert not budget.may(9.9, 0, 0.2, 2)
    assert budget.may(10.1, 0, 0.2, 2)


def lags_seen(*lags: float) -> int:
    """The level after sweeps that were so late, with half a second being too much."""
    pressure, now = Pressure(), 100.0
    for lag in lags:
        now += 0.1 + lag
        pressure.lagged(lag)
        pressure.look(pressure.lag_s / 0.5, 3, now)
    return pressure.level


def test_a_machine_that_was_suspended_is_not_overloaded() -> None:
    assert lags_seen(0.0, 60.0, *[0.15] * 20) == 0


def test_a_loop_that_stays_late_is() -> None:
    assert lags_seen(*[2.0] * 6) > 0
