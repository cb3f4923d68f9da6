"""What every truth that limits are counted in must do: exact under concurrency, deaf to late holders, and steady when
the clock steps. What it does when it cannot be reached is in test_leases_lost.py."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.support.redis import RedisCluster, RedisServer, redis_cluster, redis_server
from tests.support.truths import MINUTE, START, Kind, SteppingClock, Truth, open_ports, opened
from turnpike.control.infra.leases import Errand, Leases, SeatErrand, Seats, Window, granted
from turnpike.control.infra.leases.memory import MemoryLeases
from turnpike.control.infra.leases.redis_store import RedisLeases
from turnpike.control.infra.leases.sql import SqlLeases
from turnpike.control.infra.redis_client import open_client
from turnpike.settings import Settings

__all__ = ["redis_cluster", "redis_server"]

WINDOW = Window("key:1", "requests", MINUTE, 100)
ALL = ["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres), "redis", "redis cluster"]
FIXTURES = {
    "sqlite": "sqlite_settings", "postgres": "postgres_settings", "redis": "redis_server",
    "redis cluster": "redis_cluster",
}  # fmt: skip


@pytest.fixture(params=ALL)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Where limits are counted, and what it takes to open it."""
    needed = FIXTURES.get(request.param)
    return request.param, request.getfixturevalue(needed) if needed else None


@pytest.fixture
async def truth(kind: Kind) -> AsyncIterator[Truth]:
    clock = SteppingClock()
    async with AsyncExitStack() as stack:
        yield Truth(clock, await open_ports(kind, clock, stack))


@pytest.fixture
async def by_own_clock(kind: Kind) -> AsyncIterator[Leases]:
    async with AsyncExitStack() as stack:
        yield (await open_ports(kind, None, stack))()


# ---- windows


async def test_no_more_is_lent_than_the_limit_however_many_ask_at_once(truth: Truth) -> None:
    ports = [truth.port(), truth.port()]
    slices = await asyncio.gather(*(ports[number % 2].take(WINDOW, 7) for number in range(40)))

    assert sum(each.granted for each in slices) == 100
    assert sorted({each.granted for each in slices}) == [0, 2, 7]
    assert await ports[1].used([WINDOW]) == [100]


async def test_slices_shrink_with_what_is_left_down_to_one(truth: Truth) -> None:
    port = truth.port()
    lent = [(await port.take(WINDOW, 50, share=4)).granted for _ in range(30)]

    assert lent[:4] == [25, 18, 14, 10]
    assert lent == sorted(lent, reverse=True)
    assert sum(lent) == 100
    assert 1 in lent


async def test_a_slice_says_how_long_it_may_be_used(truth: Truth) -> None:
    taken = await truth.port().take(WINDOW, 1)

    assert taken.start_ms == START
    assert taken.usable_for_ms == 50_000


async def test_the_next_window_begins_anew(truth: Truth) -> None:
    port = truth.port()
    assert (await port.take(WINDOW, 100)).granted == 100
    truth.clock.ms = START + MINUTE - 1
    assert (await port.take(WINDOW, 1)).granted == 0
    truth.clock.ms = START + MINUTE
    assert await port.used([WINDOW]) == [0]
    taken = await port.take(WINDOW, 60)
    assert (taken.granted, taken.used, taken.start_ms) == (60, 60, START + MINUTE)


async def test_windows_of_other_scopes_resources_and_lengths_are_counted_apart(truth: Truth) -> None:
    port = truth.port()
    others = [
        Window("key:2", "requests", MINUTE, 100),
        Window("key:1", "tokens", MINUTE, 100),
        Window("key:1", "requests", 60 * MINUTE, 100),
    ]
    await port.take(WINDOW, 30)
    for number, other in enumerate(others):
        assert (await port.take(other, number + 1)).used == number + 1
    assert await port.used([WINDOW, *others]) == [30, 1, 2, 3]


async def test_what_is_given_back_in_time_is_lent_again(truth: Truth) -> None:
    port = truth.port()
    taken = await port.take(WINDOW, 100)
    await port.give_back(WINDOW, taken.start_ms, 40)
    assert (await port.take(WINDOW, 100)).granted == 40


async def test_a_holder_that_returns_late_changes_nothing(truth: Truth) -> None:
    port = truth.port()
    old = await port.take(WINDOW, 50)
    truth.clock.ms += MINUTE
    await port.take(WINDOW, 100)
    await port.give_back(WINDOW, old.start_ms, 50)
    assert (await port.take(WINDOW, 1)).granted == 0


async def test_more_given_back_than_taken_makes_no_room_beyond_the_limit(truth: Truth) -> None:
    port = truth.port()
    taken = await port.take(WINDOW, 10)
    await port.give_back(WINDOW, taken.start_ms, 1_000)
    assert (await port.take(WINDOW, 500)).granted == 100


async def test_a_limit_that_is_lowered_holds_at_once_and_one_that_is_raised_too(truth: Truth) -> None:
    port = truth.port()
    await port.take(WINDOW, 60)
    assert (await port.take(Window("key:1", "requests", MINUTE, 50), 1)).granted == 0
    assert (await port.take(Window("key:1", "requests", MINUTE, 200), 500)).granted == 140


async def test_large_counts_are_exact(truth: Truth) -> None:
    port = truth.port()
    window = Window("key:1", "tokens", 24 * 60 * MINUTE, 10**13)
    assert (await port.take(window, 10**13 - 1)).granted == 10**13 - 1
    assert (await port.take(window, 5)).used == 10**13


async def test_a_reset_window_is_empty(truth: Truth) -> None:
    port = truth.port()
    await port.take(WINDOW, 100)
    await port.reset([WINDOW, Window("key:never", "requests", MINUTE, 1)])
    assert await port.used([WINDOW]) == [0]
    assert (await port.take(WINDOW, 100)).granted == 100


@pytest.mark.parametrize("back_ms", [1, 9_000, 11_000, 50_000, MINUTE])
async def test_a_clock_that_goes_back_a_little_does_not_lend_a_window_twice(truth: Truth, back_ms: int) -> None:
    port = truth.port()
    await port.take(WINDOW, 100)
    truth.clock.ms -= back_ms
    assert (await port.take(WINDOW, 1)).granted == 0
    truth.clock.ms += back_ms
    assert (await port.take(WINDOW, 1)).granted == 0
    truth.clock.ms = START + MINUTE
    assert (await port.take(WINDOW, 1)).granted == 1


async def test_a_clock_that_was_far_ahead_refuses_for_one_window_at_most(truth: Truth) -> None:
    port = truth.port()
    truth.clock.ms += 365 * 24 * 60 * MINUTE
    await port.take(WINDOW, 100)
    truth.clock.ms = START + 10_000
    assert (await port.take(WINDOW, 1)).granted == 0
    truth.clock.ms = START + MINUTE
    assert (await port.take(WINDOW, 1)).granted == 1


async def test_many_windows_are_lent_in_one_go_each_by_itself(truth: Truth) -> None:
    port = truth.port()
    other = Window("key:2", "tokens", 60 * MINUTE, 1_000)
    slices = await port.lend([Errand(WINDOW, 30), Errand(other, 500, share=4), Errand(WINDOW, 100)])

    assert [(each.granted, each.used) for each in slices] == [(30, 30), (250, 250), (70, 100)]
    assert await port.used([WINDOW, other]) == [100, 250]


async def test_what_a_call_waits_for_is_lent_whatever_the_share(truth: Truth) -> None:
    port = truth.port()
    (taken,) = await port.lend([Errand(WINDOW, 80, share=10, least=60)])
    assert taken.granted == 60
    (rest,) = await port.lend([Errand(WINDOW, 80, share=10, least=60)])
    assert rest.granted == 40, "there is no more"


async def test_what_is_given_back_counts_before_anything_is_lent(truth: Truth) -> None:
    port = truth.port()
    await port.take(WINDOW, 100)
    (taken,) = await port.lend([Errand(WINDOW, 25, back=20, back_start_ms=START)])
    assert (taken.granted, taken.used) == (20, 100)
    (late,) = await port.lend([Errand(WINDOW, 5, back=20, back_start_ms=START - MINUTE)])
    assert late.granted == 0, "it was of another window"
    (nothing,) = await port.lend([Errand(WINDOW, 0, back=5, back_start_ms=START)])
    assert (nothing.granted, nothing.used) == (0, 95)


async def test_a_clock_that_steps_while_many_are_lent_lends_no_window_twice(truth: Truth) -> None:
    ports = [truth.port(), truth.port()]
    lent = 0
    for step_ms in (0, -5_000, -40_000, 30_000, 20_000):
        truth.clock.ms += step_ms
        asked = [port.lend([Errand(WINDOW, 40, share=2, least=9)] * 3) for port in ports]
        lent += sum(each.granted for slices in await asyncio.gather(*asked) for each in slices)
    assert lent == 100


async def test_many_opposite_orders_at_once_do_not_wait_for_each_other(truth: Truth) -> None:
    windows = [Window(f"key:{number}", "requests", MINUTE, 1_000) for number in range(8)]
    ports = [truth.port(), truth.port()]
    orders = (windows, windows[::-1])
    asks = [ports[n % 2].lend([Errand(each, 1) for each in orders[n % 2]]) for n in range(20)]
    async with asyncio.timeout(30):
        await asyncio.gather(*asks)
    assert await ports[0].used(windows) == [20] * 8


# ---- seats


async def test_many_seats_are_taken_in_one_go_and_all_that_are_taken_are_told(truth: Truth) -> None:
    port = truth.port()
    other = Seats("key:9", 2)
    asked = [SeatErrand(SEATS, "a", 6, 30_000), SeatErrand(other, "a", 5, 30_000), SeatErrand(SEATS, "b", 6, 30_000)]

    assert await port.sit(asked) == [(6, 6), (2, 2), (4, 10)]
    assert await port.seated([other, Seats("key:never", 1), SEATS]) == [2, 0, 10]
    assert await port.sit([SeatErrand(SEATS, "a", 0, 30_000)]) == [(0, 4)]


SEATS = Seats("user:1", 10)


async def test_no_more_seats_are_held_than_there_are(truth: Truth) -> None:
    ports = [truth.port(), truth.port()]
    given = await asyncio.gather(*(ports[n % 2].hold(SEATS, f"relay-{n}", 3, 30_000) for n in range(8)))

    assert sum(given) == 10
    assert await ports[0].seated([SEATS]) == [10]


async def test_a_holder_keeps_changes_and_gives_up_its_seats(truth: Truth) -> None:
    port = truth.port()
    assert await port.hold(SEATS, "a", 6, 30_000) == 6
    assert await port.hold(SEATS, "b", 6, 30_000) == 4
    assert await port.hold(SEATS, "a", 6, 30_000) == 6, "asked again, it keeps them"
    assert await port.hold(SEATS, "a", 1, 30_000) == 1
    assert await port.hold(SEATS, "b", 9, 30_000) == 9
    assert await port.hold(SEATS, "b", 0, 30_000) == 0
    assert await port.seated([SEATS]) == [1]


async def test_the_seats_of_a_holder_that_died_are_free_when_its_time_is_over(truth: Truth) -> None:
    port = truth.port()
    await port.hold(SEATS, "dead", 10, 30_000)
    truth.clock.ms += 29_999
    assert await port.hold(SEATS, "b", 1, 30_000) == 0
    truth.clock.ms += 1
    assert await port.seated([SEATS]) == [0]
    assert await port.hold(SEATS, "b", 1, 30_000) == 1
    assert await port.hold(SEATS, "dead", 10, 30_000) == 9, "late, it gets what is left"


async def test_a_holder_beyond_a_lowered_limit_keeps_what_there_is_room_for(truth: Truth) -> None:
    port = truth.port()
    await port.hold(SEATS, "a", 8, 30_000)
    assert await port.hold(Seats("user:1", 5), "a", 8, 30_000) == 5
    assert await port.hold(Seats("user:1", 5), "b", 1, 30_000) == 0


# ---- the rule


@given(st.integers(0, 1000), st.integers(-50, 1000), st.integers(1, 64))
def test_the_rule_never_lends_more_than_is_left_and_always_something_while_there_is(
    wanted: int, left: int, share: int
) -> None:
    lent = granted(wanted, left, share)
    assert 0 <= lent <= max(0, min(wanted, left))
    assert (lent > 0) == (wanted > 0 and left > 0)


STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "back", "clock", "hold"]), st.integers(0, 130), st.integers(1, 5)), max_size=25
)


@examples(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(steps=STEPS)
def test_every_truth_agrees_with_the_one_in_memory(
    steps: list[tuple[str, int, int]], sqlite_settings: Settings, redis_server: RedisServer
) -> None:
    async def both() -> None:
        clock = SteppingClock()
        client = redis_server.client()
        await client.flushall()
        async with opened(sqlite_settings) as database:
            sql = SqlLeases(database, clock)
            await sql.reset([WINDOW])
            # What an earlier example left is of a window long gone.
            clock.ms += next(_AHEAD) * 10 * MINUTE
            truths: list[Leases] = [MemoryLeases(clock), sql, RedisLeases(client, clock)]
            for step in steps:
                outcomes = [await _step(each, clock, *step) for each in truths]
                if step[0] == "clock":
                    clock.ms += step[1] * 1_000
                assert outcomes[0] == outcomes[1] == outcomes[2]
            await truths[2].close()

    asyncio.run(both())


_AHEAD = iter(range(1, 10_000))


async def _step(port: Leases, clock: SteppingClock, kind: str, amount: int, small: int) -> object:
    match kind:
        case "take":
            return await port.take(WINDOW, amount, share=small)
        case "back":
            await port.give_back(WINDOW, clock.ms - clock.ms % MINUTE, amount)
        case "hold":
            seats = Seats(f"user:{clock.ms // (10 * MINUTE)}", 40)
            return await port.hold(seats, f"relay-{small}", amount, 20_000)
        case _:
            pass
    return await port.used([WINDOW])


# ---- the truth's own clock, and its keys


async def test_windows_are_aligned_to_the_truths_own_clock(by_own_clock: Leases) -> None:
    window = Window("key:1", "requests", 3_600_000, 10)
    taken = await by_own_clock.take(window, 3)

    assert taken.start_ms % 3_600_000 == 0
    assert 0 < taken.usable_for_ms <= 3_600_000
    assert await by_own_clock.hold(SEATS, "a", 3, 60_000) == 3
    assert await by_own_clock.seated([SEATS]) == [3]


async def test_each_step_touches_one_key_of_a_cluster(redis_server: RedisServer) -> None:
    client = redis_server.client()
    await client.flushall()
    port = RedisLeases(client)
    await port.take(WINDOW, 1)
    await port.hold(SEATS, "a", 1, 60_000)
    keys = sorted(key.decode() for key in await client.keys("*"))
    await port.close()

    assert keys == ["turnpike:seats:{user:1}", "turnpike:window:{key:1|requests|60000}"]


async def test_a_cluster_counts_each_limit_at_the_node_of_its_key(redis_cluster: RedisCluster) -> None:
    port = RedisLeases(open_client(redis_cluster.address, connect_s=2.0, answer_s=2.0))
    before = [redis_cluster.keys_of(number) for number in range(RedisCluster.NODES)]
    windows = [Window(f"spread:{number}", "requests", 3_600_000, 10) for number in range(60)]
    slices = await port.lend([Errand(window, 4) for window in windows])
    again = await port.lend([Errand(window, 8) for window in reversed(windows)])
    after = [redis_cluster.keys_of(number) for number in range(RedisCluster.NODES)]

    assert [each.granted for each in slices] == [4] * 60
    assert [each.granted for each in again] == [6] * 60
    assert await port.used(windows) == [10] * 60
    await port.close()
    assert all(later > earlier for earlier, later in zip(before, after, strict=True))
