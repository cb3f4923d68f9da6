"""The journal's writer, by itself: what it writes is what control reads."""

import errno
import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turnpike.contract.events import Caller, OpenRecord, Served
from turnpike.contract.journal import Scan, read_frames, segments_of
from turnpike.kit.logs import Log
from turnpike.relay import journal as module
from turnpike.relay.journal import Journal

INCARNATION = bytes(range(16))
SERVED = Served("p", "p", "d", None, "m", "m", "openai_chat", None)
CALLER = Caller("k", "k", "u", None)
encode = msgspec.msgpack.Encoder().encode


def record(number: int, size: int = 0) -> OpenRecord:
    return OpenRecord(
        number.to_bytes(16, "big"), 1, 0, 0, "x" * size, None, CALLER, "chat", "openai_chat", False, "m", SERVED
    )


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Journal]:
    folders = (tmp_path / str(number) for number in range(10**6))

    def made(size: int = 4096, *, on_full: str = "refuse") -> Journal:
        root = next(folders)
        log = Log(logging.getLogger("test"))
        return Journal(root, INCARNATION, segment_bytes=size, flush_s=0.0, on_full=on_full, log=log)

    return made


def read(journal: Journal) -> list[int]:
    numbers: list[int] = []
    for segment in segments_of(journal._folder):
        scan = Scan()
        numbers.extend(int.from_bytes(each.event_id, "big") for each in read_frames(segment.read_bytes(), scan))
        assert not scan.torn
    return numbers


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 900), max_size=60), prepared=st.sets(st.integers(0, 60)))
def test_records_are_read_in_the_order_of_writing(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], prepared: set[int]
) -> None:
    log = Log(logging.getLogger("test"))
    root = tmp_path_factory.mktemp("journal")
    journal = Journal(root, INCARNATION, segment_bytes=1500, flush_s=0.0, on_full="refuse", log=log)
    for number, size in enumerate(sizes):
        journal.append(encode(record(number, size)))
        if number in prepared:
            journal.prepare()
    assert read(journal) == list(range(len(sizes)))
    journal.close()
    assert read(journal) == list(range(len(sizes)))


def test_a_record_longer_than_a_segment_gets_one_of_its_size(make: Callable[..., Journal]) -> None:
    journal = make(1000)
    for number, size in enumerate((10, 5000, 10)):
        journal.append(encode(record(number, size)))
    journal.close()
    assert read(journal) == [0, 1, 2]


def test_a_long_record_beside_a_spare_segment_keeps_the_order(make: Callable[..., Journal]) -> None:
    journal = make(1000)
    for number in range(4):
        journal.append(encode(record(number, 100)))
    journal.prepare()
    if journal._making is not None:
        journal._making.join()
    assert journal._spare is not None
    for number, size in ((4, 5000), (5, 10), (6, 800), (7, 800)):
        journal.append(encode(record(number, size)))
    journal.close()
    assert read(journal) == list(range(8))


@pytest.mark.parametrize("on_full", ["refuse", "memory"])
def test_what_the_disk_refuses_waits_in_order(
    make: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch, on_full: str
) -> None:
    journal = make(1500, on_full=on_full)

    def full(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    allocate = os.posix_fallocate
    monkeypatch.setattr(module.os, "posix_fallocate", full)
    for number in range(30):
        journal.append(encode(record(number)))
    assert journal.fault is not None
    assert "No space left" in journal.fault
    assert journal.refuses_work is (on_full == "refuse")
    assert journal.in_memory == 30 - len(read(journal)) > 0
    assert len(segments_of(journal._folder)) == 1, "what was begun is removed"
    monkeypatch.setattr(module.os, "posix_fallocate", allocate)
    journal.write_waiting()
    assert (journal.fault, journal.in_memory) == (None, 0)
    assert read(journal) == list(range(30))
    journal.close()


def test_memory_has_a_bound_beyond_which_work_is_refused(
    make: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MEMORY_RECORDS", 20)
    journal = make(1500, on_full="memory")

    def full(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "posix_fallocate", full)
        number = 0
        while not journal.refuses_work:
            journal.append(encode(record(number)))
            number += 1
        assert journal.in_memory == 20
    journal.write_waiting()
    assert not journal.refuses_work
    journal.close()
    assert read(journal) == list(range(number))


def test_a_record_that_was_withdrawn_is_not_written(
    make: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = make(1500)

    def full(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "posix_fallocate", full)
        number = 0
        while journal.fault is None:
            journal.append(encode(record(number)))
            number += 1
        assert journal.withdraw()
        assert not journal.withdraw(), "the others are on the disk"
    journal.write_waiting()
    assert journal.fault is None, "it recovers although nothing waits"
    journal.append(encode(record(99)))
    journal.close()
    assert read(journal) == [*range(number - 1), 99]
