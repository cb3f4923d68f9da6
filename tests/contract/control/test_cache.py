"""What every cache must do, and what only one that keeps something does."""

from collections.abc import Callable

import pytest

from turnpike.control.infra.cache import MAX_TTL_S, Cache
from turnpike.control.infra.cache.memory import MemoryCache
from turnpike.control.infra.cache.null import NullCache


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


MAKERS: dict[str, Callable[[Clock], Cache]] = {
    "memory": lambda clock: MemoryCache(max_entries=3, max_bytes=100, clock=clock),
    "null": lambda clock: NullCache(),
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=list(MAKERS))
def cache(request: pytest.FixtureRequest, clock: Clock) -> Cache:
    return MAKERS[request.param](clock)


@pytest.fixture
def keeping(clock: Clock) -> Cache:
    return MAKERS["memory"](clock)


async def test_what_was_never_put_is_not_there(cache: Cache) -> None:
    assert await cache.get("a") is None


async def test_a_value_comes_back_as_it_was_or_not_at_all(cache: Cache) -> None:
    await cache.put("a", b"1")
    assert await cache.get("a") in (b"1", None)
    assert await cache.get("b") is None


async def test_nothing_outlives_its_time(cache: Cache, clock: Clock) -> None:
    await cache.put("a", b"1", ttl_s=10)
    clock.now += 10
    assert await cache.get("a") is None


async def test_nothing_outlives_five_minutes(cache: Cache, clock: Clock) -> None:
    assert MAX_TTL_S == 300
    await cache.put("a", b"1", ttl_s=10_000)
    clock.now += 300
    assert await cache.get("a") is None


async def test_clearing_leaves_nothing(cache: Cache) -> None:
    await cache.put("a", b"1")
    await cache.clear()
    assert await cache.get("a") is None
    await cache.close()


async def test_a_kept_value_comes_back(keeping: Cache, clock: Clock) -> None:
    await keeping.put("a", b"1", ttl_s=10)
    clock.now += 9.9
    assert await keeping.get("a") == b"1"
    await keeping.put("a", b"2")
    assert await keeping.get("a") == b"2"


async def test_the_least_recently_used_goes_first(keeping: Cache) -> None:
    for key in "abc":
        await keeping.put(key, b"1")
    await keeping.get("a")
    await keeping.put("d", b"1")
    assert [await keeping.get(key) for key in "abcd"] == [b"1", None, b"1", b"1"]


async def test_bytes_are_bounded(keeping: Cache) -> None:
    await keeping.put("a", b"x" * 60)
    await keeping.put("b", b"x" * 60)
    await keeping.put("c", b"x" * 101)
    assert [await keeping.get(key) is not None for key in "abc"] == [False, True, False]
