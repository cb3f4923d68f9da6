"""What every store of kept answers must do: give back what it was given until its time is over, stay within its room,
clear what is named and nothing else, and say plainly when it cannot be reached."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.redis import RedisCluster, RedisServer, redis_cluster, redis_server
from turnpike.control.infra.answers import AnswerStore, Shut, StoreUnreachable, Wanted
from turnpike.control.infra.answers.disk import DiskAnswers
from turnpike.control.infra.answers.redis_store import RedisAnswers
from turnpike.control.infra.redis_client import open_client
from turnpike.kit.clock import now_ms

__all__ = ["redis_cluster", "redis_server"]


class SteppingClock:
    def __init__(self) -> None:
        self.ms = now_ms()

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(params=["disk", "redis", "redis cluster"])
async def store(request: pytest.FixtureRequest, tmp_path: Path, clock: SteppingClock) -> AsyncIterator[AnswerStore]:
    if request.param == "disk":
        made: AnswerStore = DiskAnswers(tmp_path / "answers.db", 10_000, clock)
    elif request.param == "redis cluster":
        cluster: RedisCluster = request.getfixturevalue("redis_cluster")
        made = RedisAnswers(open_client(cluster.address, connect_s=2.0, answer_s=2.0), clock)
        await made.clear(Wanted())
    else:
        server: RedisServer = request.getfixturevalue("redis_server")
        made = RedisAnswers(server.client(), clock)
        await made.clear(Wanted())
    yield made
    await made.close()


def shut(clock: SteppingClock, number: int, **facts: object) -> Shut:
    values: dict[str, object] = {
        "key": b"%032d" % number,
        "sealed": b"sealed-%d" % number,
        "expires_at_ms": clock.ms + 60_000,
        "model": "m",
        "key_id": "k",
        "user_id": "u",
    }
    return Shut(**{**values, **facts})  # pyright: ignore[reportArgumentType]


async def test_gives_back_what_it_was_given(store: AnswerStore, clock: SteppingClock) -> None:
    await store.put(shut(clock, 1, sealed=bytes(range(256))))
    assert await store.get(b"%032d" % 1) == bytes(range(256))
    assert await store.get(b"%032d" % 2) is None


async def test_the_newest_with_a_key_stays(store: AnswerStore, clock: SteppingClock) -> None:
    await store.put(shut(clock, 1))
    await store.put(shut(clock, 1, sealed=b"newer"))
    assert await store.get(b"%032d" % 1) == b"newer"
    assert (await store.room()).entries == 1


async def test_gives_nothing_whose_time_is_over(store: AnswerStore, clock: SteppingClock) -> None:
    await store.put(shut(clock, 1))
    clock.ms += 60_000
    assert await store.get(b"%032d" % 1) is None


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Wanted(), []),
        (Wanted(model="a"), [3, 4]),
        (Wanted(key_id="2"), [1, 3]),
        (Wanted(user_id="x"), [3, 4]),
        (Wanted(model="b", key_id="2"), [1, 2, 3]),
        (Wanted(model="c"), [1, 2, 3, 4]),
    ],
)
async def test_clears_what_has_every_field_that_is_named(
    store: AnswerStore, clock: SteppingClock, wanted: Wanted, left: list[int]
) -> None:
    facts = {1: ("a", "1", "x"), 2: ("a", "2", "x"), 3: ("b", "1", "y"), 4: ("b", "2", "y")}
    for number, (model, key_id, user_id) in facts.items():
        await store.put(shut(clock, number, model=model, key_id=key_id, user_id=user_id))
    assert await store.clear(wanted) == 4 - len(left)
    assert [number for number in facts if await store.get(b"%032d" % number) is not None] == left


# ---- disk


async def test_disk_drops_what_was_not_asked_for_the_longest(tmp_path: Path, clock: SteppingClock) -> None:
    store = DiskAnswers(tmp_path / "answers.db", 10_000, clock)
    for number in range(4):
        await store.put(shut(clock, number, sealed=b"x" * 3_000, expires_at_ms=clock.ms + 10**9))
        clock.ms += 1_000
        if number == 2:
            clock.ms += 100_000
            await store.get(b"%032d" % 0)
    held = [number for number in range(4) if await store.get(b"%032d" % number) is not None]
    assert held == [0, 2, 3]
    assert (await store.room()).size_bytes == 9_000
    await store.close()


async def test_disk_takes_nothing_that_is_larger_than_its_room(tmp_path: Path, clock: SteppingClock) -> None:
    store = DiskAnswers(tmp_path / "answers.db", 1_000, clock)
    await store.put(shut(clock, 1, sealed=b"x" * 1_001))
    assert (await store.room()).entries == 0
    await store.close()


async def test_disk_is_there_after_a_restart_and_private(tmp_path: Path, clock: SteppingClock) -> None:
    path = tmp_path / "answers.db"
    first = DiskAnswers(path, 10_000, clock)
    await first.put(shut(clock, 1))
    await first.close()
    assert path.stat().st_mode & 0o777 == 0o600
    second = DiskAnswers(path, 10_000, clock)
    assert await second.get(b"%032d" % 1) == b"sealed-1"
    await second.close()


async def test_a_damaged_file_is_begun_anew(tmp_path: Path, clock: SteppingClock) -> None:
    path = tmp_path / "answers.db"
    path.write_bytes(b"no database at all" * 100)
    store = DiskAnswers(path, 10_000, clock)
    with pytest.raises(StoreUnreachable):
        await store.get(b"%032d" % 1)
    await store.put(shut(clock, 1))
    assert await store.get(b"%032d" % 1) == b"sealed-1"
    await store.close()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, clock: SteppingClock) -> None:
    store = DiskAnswers(tmp_path / "missing" / "answers.db", 10_000, clock)
    with pytest.raises(StoreUnreachable):
        await store.put(shut(clock, 1))
    await store.close()


# ---- Redis


async def test_redis_away_is_told_and_back_is_used(redis_server: RedisServer, clock: SteppingClock) -> None:
    store = RedisAnswers(redis_server.client(), clock)
    redis_server.stop()
    with pytest.raises(StoreUnreachable):
        await store.get(b"%032d" % 1)
    with pytest.raises(StoreUnreachable):
        await store.put(shut(clock, 1))
    redis_server.start()
    await store.put(shut(clock, 1))
    assert await store.get(b"%032d" % 1) == b"sealed-1"
    await store.close()


# ---- a cluster


async def test_a_cluster_spreads_answers_over_its_nodes(redis_cluster: RedisCluster, clock: SteppingClock) -> None:
    store = RedisAnswers(open_client(redis_cluster.address, connect_s=2.0, answer_s=2.0), clock)
    await store.clear(Wanted())
    for number in range(20):
        await store.put(shut(clock, number))
    counts = [redis_cluster.keys_of(number) for number in range(RedisCluster.NODES)]
    assert sum(counts) == 20
    assert min(counts) > 0, counts
    assert (await store.room()).entries == 20
    await store.close()


async def test_a_cluster_that_is_not_there_is_said_to_be_unreachable(clock: SteppingClock) -> None:
    store = RedisAnswers(open_client("redis+cluster://127.0.0.1:1", connect_s=0.5, answer_s=0.5), clock)
    with pytest.raises(StoreUnreachable):
        await store.get(b"%032d" % 1)
    await store.close()
