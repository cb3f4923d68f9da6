"""The limit of concurrent attempts at a simulated deployment: found, kept, given up again, without swinging."""

from random import Random

import pytest

from turnpike.relay.load.limit import GradientLimit

WINDOW_S = 0.2


class Deployment:
    """Serves `capacity` at a time in `base_s`; what is beyond waits its turn, so latency grows with what is in hand."""

    def __init__(self, capacity: int, base_s: float = 0.5, seed: int = 1) -> None:
        self.capacity = capacity
        self.base_s = base_s
        self._random = Random(seed)

    def window(self, in_hand: int) -> list[float]:
        slower = max(1.0, in_hand / self.capacity)
        served = max(10, min(in_hand, self.capacity))
        return [self.base_s * slower * self._random.uniform(0.6, 1.8) for _ in range(served)]


def run(limit: GradientLimit, deployment: Deployment, offered: int, windows: int) -> list[float]:
    values = []
    for _ in range(windows):
        in_hand = min(offered, int(limit.value))
        limit.look(deployment.window(in_hand), [], in_hand)
        values.append(limit.value)
    return values


def usual(deployment: Deployment, offered: int = 10) -> GradientLimit:
    limit = GradientLimit()
    run(limit, deployment, offered, 40)
    return limit


def test_a_deployment_that_is_well_is_never_held_back() -> None:
    limit = GradientLimit()
    values = run(limit, Deployment(capacity=500), 400, 300)
    assert min(values) >= 400


def test_a_deployment_that_is_overloaded_gets_less_until_it_is_well() -> None:
    deployment = Deployment(capacity=20)
    values = run(usual(deployment), deployment, 400, 200)
    assert values[0] <= 400, "what was in hand counts, not how far the limit was open"
    assert all(15 <= value <= 80 for value in values[60:]), values[60:]


def test_it_does_not_swing() -> None:
    deployment = Deployment(capacity=50)
    values = run(usual(deployment), deployment, 400, 400)[150:]
    assert max(values) / min(values) < 1.6


@pytest.mark.parametrize(("before", "after"), [(100, 25), (25, 100)])
def test_it_follows_a_capacity_that_changes(before: int, after: int) -> None:
    deployment = Deployment(capacity=before)
    limit = usual(deployment)
    run(limit, deployment, 400, 200)
    deployment.capacity = after
    values = run(limit, deployment, 400, 300)
    settled = values[150:]
    assert all(0.7 * after <= value <= 4 * after for value in settled), (min(settled), max(settled))


def test_another_mix_of_answers_is_no_overload() -> None:
    limit = GradientLimit()
    short, long = Deployment(1000, base_s=0.4), Deployment(1000, base_s=8.0)
    run(limit, short, 300, 50)
    for number in range(100):
        mixed = short.window(150)[:75] + long.window(150)[:75]
        limit.look(mixed if number % 2 else short.window(300), [], 300)
    assert limit.value > 300


def test_streams_and_whole_answers_are_apart_and_the_healthier_counts() -> None:
    limit = GradientLimit()
    for _ in range(50):
        limit.look([2.0] * 20, [0.2] * 20, 200)
    for _ in range(50):
        limit.look([30.0] * 20, [0.2] * 20, 200)
    assert limit.value > 200


def test_a_rise_of_milliseconds_is_nobodys_harm() -> None:
    limit = GradientLimit()
    for _ in range(50):
        limit.look([0.001] * 50, [], 60)
    for _ in range(50):
        limit.look([0.08] * 50, [], 60)
    assert limit.value > 60


def test_few_in_hand_overload_nobody() -> None:
    limit = GradientLimit()
    for _ in range(50):
        limit.look([0.5] * 20, [], 3)
    for _ in range(50):
        limit.look([20.0] * 20, [], 3)
    assert limit.value > 100


def test_a_window_of_few_answers_says_nothing() -> None:
    limit = GradientLimit()
    samples = [1.0] * 9
    assert not limit.look(samples, [], 100)
    assert samples, "they wait for more"


def test_a_word_of_overload_halves_it_once_a_breath() -> None:
    limit = GradientLimit()
    for _ in range(40):
        limit.halve(64, 1.0)
    assert limit.value == 32
    limit.halve(32, 2.5)
    assert limit.value == 16
    for second in range(3, 20):
        limit.halve(1, float(second))
    assert limit.value == limit.lowest


def test_it_grows_back_after_a_word_of_overload() -> None:
    deployment = Deployment(capacity=200)
    limit = usual(deployment, 100)
    limit.halve(100, 1.0)
    limit.halve(50, 3.0)
    limit.halve(25, 5.0)
    values = run(limit, deployment, 100, 100)
    assert values[-1] >= 100
    assert values == sorted(values)


def test_without_traffic_it_opens_again_by_and_by() -> None:
    limit = GradientLimit()
    limit.halve(8, 1.0)
    for _ in range(300):
        limit.drift()
    assert limit.value == 1024


def test_a_cap_holds_and_adaptation_can_be_off() -> None:
    limit = GradientLimit()
    limit.configure(10, adaptive=True)
    assert limit.value == 10
    limit.configure(50, adaptive=True)
    assert limit.value == 50
    limit.configure(2, adaptive=True)
    limit.halve(2, 1.0)
    assert limit.value == 2
    limit.configure(30, adaptive=False)
    limit.halve(20, 5.0)
    for _ in range(50):
        limit.look([1.0] * 20, [], 30)
        limit.look([20.0] * 20, [], 30)
    assert limit.value == 30
