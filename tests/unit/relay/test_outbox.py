"""What a turn of the loop has to send, sent at its end: in its order, bounded, and each for itself."""

import asyncio
from typing import cast

import pytest

from turnpike.relay.outbox import Outbox


class Recorder:
    """A transport that keeps what is written; `closed`: as uvloop's, which refuses to be written to."""

    def __init__(self, log: list[tuple[str, bytes]], name: str, *, closed: bool = False) -> None:
        self.log, self.name, self.closed = log, name, closed

    def write(self, data: bytes) -> None:
        if self.closed:
            raise RuntimeError("unable to perform operation on a closed transport")
        self.log.append((self.name, data))

    def as_transport(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self)


@pytest.fixture
def log() -> list[tuple[str, bytes]]:
    return []


async def test_a_turns_writes_go_out_at_its_end_in_their_order(log: list[tuple[str, bytes]]) -> None:
    outbox, a, b = Outbox(), Recorder(log, "a").as_transport(), Recorder(log, "b").as_transport()
    for number in range(5):
        outbox.write(a, b"%d" % number)
        outbox.write(b, b"%d" % number)
    assert log == []
    await asyncio.sleep(0)
    assert log == [(name, b"%d" % number) for number in range(5) for name in "ab"]
    outbox.write(a, b"next turn")
    await asyncio.sleep(0)
    assert log[-1] == ("a", b"next turn")


async def test_the_first_does_not_wait_for_more_than_sixty_three_others(log: list[tuple[str, bytes]]) -> None:
    outbox, a = Outbox(), Recorder(log, "a").as_transport()
    for _ in range(63):
        outbox.write(a, b"x")
    assert log == []
    outbox.write(a, b"x")
    assert len(log) == 64


async def test_one_that_is_closed_meanwhile_takes_nothing_from_the_others(log: list[tuple[str, bytes]]) -> None:
    outbox = Outbox()
    outbox.write(Recorder(log, "a").as_transport(), b"1")
    outbox.write(Recorder(log, "gone", closed=True).as_transport(), b"2")
    outbox.write(Recorder(log, "b").as_transport(), b"3")
    outbox.flush()
    assert log == [("a", b"1"), ("b", b"3")]
    await asyncio.sleep(0)
    assert len(log) == 2


async def test_what_a_write_causes_to_be_written_is_not_lost(log: list[tuple[str, bytes]]) -> None:
    """A transport may tell its protocol to pause while it is written to, and that may write elsewhere."""
    outbox, other = Outbox(), Recorder(log, "other").as_transport()

    class Pausing(Recorder):
        def write(self, data: bytes) -> None:
            super().write(data)
            outbox.write(other, b"caused")

    outbox.write(Pausing(log, "a").as_transport(), b"1")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == [("a", b"1"), ("other", b"caused")]
