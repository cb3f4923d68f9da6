"""What every place of vectors must do: find the nearest of one space and never of another."""

import math
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from turnpike.control.db.database import Database
from turnpike.control.infra.vectors import Vectors, VectorsUnreachable
from turnpike.control.infra.vectors.embedded import EmbeddedVectors
from turnpike.control.infra.vectors.postgres import PostgresVectors
from turnpike.settings import Settings

SPACE, OTHER = b"s" * 32, b"o" * 32
FAR = 10**15


class SteppingClock:
    def __init__(self) -> None:
        self.ms = 1_000

    def __call__(self) -> int:
        self.ms += 1
        return self.ms


def packed(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def key(number: int) -> bytes:
    return b"%032d" % number


@pytest.fixture
def clock() -> SteppingClock:
    return SteppingClock()


@pytest.fixture(params=["embedded", pytest.param("postgres", marks=pytest.mark.postgres)])
def kind(request: pytest.FixtureRequest) -> Settings | None:
    """Where vectors are kept: the settings of a PostgreSQL, or None for a file."""
    return None if request.param == "embedded" else request.getfixturevalue("postgres_settings")


@pytest.fixture
async def vectors(kind: Settings | None, tmp_path: Path, clock: SteppingClock) -> AsyncIterator[Vectors]:
    if kind is None:
        made: Vectors = EmbeddedVectors(tmp_path / "vectors.db", clock, space_limit=5)
        yield made
        await made.close()
        return
    database = Database(kind)
    yield PostgresVectors(database, clock, space_limit=5)
    await database.close()


async def test_finds_the_nearest_by_its_angle(vectors: Vectors) -> None:
    await vectors.put(SPACE, key(1), packed(1, 0), FAR)
    await vectors.put(SPACE, key(2), packed(0, 5), FAR)
    near = await vectors.nearest(SPACE, packed(3, 1))
    assert near is not None
    assert near.key == key(1)
    assert near.similarity == pytest.approx(3 / math.sqrt(10), abs=1e-5)


async def test_the_same_is_as_near_as_can_be(vectors: Vectors) -> None:
    await vectors.put(SPACE, key(1), packed(0.1, 0.7, -0.3), FAR)
    near = await vectors.nearest(SPACE, packed(0.1, 0.7, -0.3))
    assert near is not None
    assert near.similarity == pytest.approx(1, abs=1e-5)


async def test_never_looks_into_another_space(vectors: Vectors) -> None:
    await vectors.put(OTHER, key(1), packed(1, 0), FAR)
    assert await vectors.nearest(SPACE, packed(1, 0)) is None


async def test_vectors_of_another_model_are_not_compared(vectors: Vectors) -> None:
    await vectors.put(SPACE, key(1), packed(1, 0, 0), FAR)
    assert await vectors.nearest(SPACE, packed(1, 0)) is None


async def test_what_is_over_is_not_found(vectors: Vectors, clock: SteppingClock) -> None:
    await vectors.put(SPACE, key(1), packed(1, 0), clock.ms + 1_000)
    clock.ms += 2_000
    assert await vectors.nearest(SPACE, packed(1, 0)) is None


async def test_the_newest_of_a_key_stays(vectors: Vectors) -> None:
    await vectors.put(SPACE, key(1), packed(1, 0), FAR)
    await vectors.put(SPACE, key(1), packed(0, 1), FAR)
    near = await vectors.nearest(SPACE, packed(1, 0))
    assert near is not None
    assert near.similarity == pytest.approx(0, abs=1e-5)


async def test_a_space_keeps_its_newest(vectors: Vectors) -> None:
    for number in range(7):
        await vectors.put(SPACE, key(number), packed(math.cos(number), math.sin(number)), FAR)
    found = set()
    for number in range(7):
        near = await vectors.nearest(SPACE, packed(math.cos(number), math.sin(number)))
        assert near is not None
        if near.similarity > 0.99999:
            found.add(number)
    assert found == {2, 3, 4, 5, 6}


async def test_what_is_dropped_or_cleared_is_gone(vectors: Vectors) -> None:
    for number in (1, 2):
        await vectors.put(SPACE, key(number), packed(1, number), FAR)
    await vectors.drop(key(1))
    near = await vectors.nearest(SPACE, packed(1, 1))
    assert near is not None
    assert near.key == key(2)
    await vectors.clear()
    assert await vectors.nearest(SPACE, packed(1, 1)) is None


async def test_a_place_that_cannot_be_opened_is_told(tmp_path: Path) -> None:
    vectors = EmbeddedVectors(tmp_path / "missing" / "vectors.db")
    with pytest.raises(VectorsUnreachable):
        await vectors.nearest(SPACE, packed(1, 0))
    await vectors.close()
