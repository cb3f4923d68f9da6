"""The breaker's states, its probes, and rests that are no failures."""

from hypothesis import given
from hypothesis import strategies as st

from turnpike.relay.breaker import Breaker


def opened(open_s: float = 10.0, probes: int = 1) -> Breaker:
    breaker = Breaker(1, open_s, probes=probes)
    breaker.failed(0.0)
    assert breaker.state(0.0) == 2
    return breaker


def test_failures_in_a_row_open_it_and_a_probe_closes_it() -> None:
    breaker = Breaker(2, 10.0)
    breaker.failed(0.0)
    assert not breaker.open
    breaker.failed(1.0)
    assert not breaker.may_pass(10.9)
    assert breaker.rests_for_s(2.0) == 9.0
    assert breaker.may_pass(11.0)
    assert breaker.state(11.0) == 1
    assert breaker.started()
    assert not breaker.may_pass(12.0), "one probe at a time"
    breaker.released(probe=True)
    assert breaker.may_pass(12.0), "a probe that said nothing makes room for another"
    assert breaker.started()
    breaker.succeeded(probe=True)
    assert breaker.may_pass(12.0)
    assert not breaker.open
    assert breaker.failures == 0


def test_a_success_in_between_begins_the_row_anew() -> None:
    breaker = Breaker(2, 10.0)
    for at in range(20):
        breaker.failed(float(at))
        breaker.succeeded()
    assert not breaker.open


def test_a_share_of_the_recent_requests_opens_it() -> None:
    breaker = Breaker(1000, 10.0, share=0.5, min_requests=20)
    for number in range(1, 40):
        breaker.failed(number / 10, 2 * number + 1)
        breaker.succeeded()
        assert not breaker.open, "just under a half"
    breaker.failed(4.0, 80)
    assert breaker.open


def test_a_share_of_few_requests_means_nothing() -> None:
    breaker = Breaker(1000, 10.0, share=0.5, min_requests=20)
    for number in range(1, 20):
        breaker.failed(number / 10, number)
        breaker.succeeded()
    assert not breaker.open


def test_failures_of_long_ago_are_forgotten() -> None:
    breaker = Breaker(1000, 10.0, share=0.5, min_requests=20)
    for number in range(19):
        breaker.failed(number / 100, number)
        breaker.succeeded()
    breaker.failed(60.0, 20)
    assert not breaker.open


def test_what_began_before_it_opened_neither_closes_nor_prolongs_it() -> None:
    breaker = opened()
    breaker.succeeded()
    breaker.failed(9.0)
    assert not breaker.may_pass(9.9)
    assert breaker.may_pass(10.0)


def test_each_failed_probe_keeps_it_open_for_longer_up_to_a_bound() -> None:
    breaker = opened(10.0)
    now, rests = 10.0, []
    for _ in range(7):
        assert breaker.may_pass(now)
        assert breaker.started()
        breaker.failed(now, probe=True)
        rests.append(breaker.rests_for_s(now))
        now += rests[-1]
    assert rests == [10, 20, 40, 80, 80, 80, 80]


def test_several_probes_pass_and_all_must_go_well() -> None:
    breaker = opened(probes=3)
    for _ in range(3):
        assert breaker.may_pass(11.0)
        assert breaker.started()
    assert not breaker.may_pass(11.0)
    breaker.succeeded(probe=True)
    breaker.succeeded(probe=True)
    assert breaker.tripped
    breaker.succeeded(probe=True)
    assert not breaker.tripped


def test_a_rest_that_the_provider_named_is_kept_and_is_no_failure() -> None:
    breaker = Breaker(1, 10.0)
    breaker.rest(5.0)
    assert not breaker.may_pass(4.9)
    assert not breaker.stands_in(4.9)
    assert (breaker.rests_for_s(2.0), breaker.cools_for_s(2.0), breaker.state(2.0)) == (3.0, 3.0, 0)
    assert breaker.may_pass(5.0)
    assert not breaker.open
    breaker.rest(20.0)
    breaker.rest(10.0)
    assert not breaker.may_pass(19.9), "the longest counts"


def test_a_guessed_rest_grows_and_gives_way_where_there_is_nothing_else() -> None:
    breaker = Breaker(5, 10.0)
    lengths = []
    for _ in range(7):
        breaker.rest_a_little(0.0, 1.0)
        assert not breaker.may_pass(0.5)
        assert breaker.stands_in(0.5)
        lengths.append(next(second for second in range(100) if breaker.may_pass(float(second))))
    assert lengths == [1, 2, 4, 8, 16, 30, 30]
    breaker.succeeded()
    breaker.rest_a_little(0.0, 1.0)
    assert breaker.may_pass(1.0), "a success in between: it begins anew"


def test_a_failed_health_check_speaks_against_it_until_one_goes_well() -> None:
    breaker = Breaker(5, 10.0)
    breaker.checked(well=False)
    assert not breaker.may_pass(1e9)
    assert breaker.stands_in(0.0)
    breaker.checked(well=True)
    assert breaker.may_pass(0.0)
    assert not breaker.open


@given(st.lists(st.sampled_from(["start", "good", "bad", "left", "wait"]), max_size=60), st.integers(1, 3))
def test_never_more_probes_than_allowed_and_never_fewer_than_none(steps: list[str], probes: int) -> None:
    breaker = Breaker(2, 1.0, probes=probes)
    now, running = 0.0, []
    for step in steps:
        if step == "wait":
            now += 1.0
        elif step == "start":
            if breaker.may_pass(now):
                running.append(breaker.open and breaker.started())
        elif running:
            probe = running.pop(0)
            if step == "good":
                breaker.succeeded(probe=probe)
            elif step == "bad":
                breaker.failed(now, probe=probe)
            else:
                breaker.released(probe=probe)
        assert sum(running) <= probes or not breaker.tripped
    for probe in running:
        breaker.released(probe=probe)
    assert breaker.may_pass(now + 100), "it always comes back"
