"""Whom a relay turned away: every one counts, and a flood does not fill the journal."""

from typing import Any

import msgspec

from turnpike.contract.refusals import RefusalRecord
from turnpike.kit.ids import IdSource
from turnpike.relay.strangers import Strangers


class Disk:
    """What a journal is to them."""

    def __init__(self) -> None:
        self.records: list[RefusalRecord] = []
        self.fault: str | None = None

    def append(self, payload: bytes) -> None:
        self.records.append(msgspec.msgpack.decode(payload, type=RefusalRecord))


def strangers() -> tuple[Strangers, Disk]:
    disk: Any = Disk()
    return Strangers(disk, IdSource()), disk


def total(disk: Disk) -> int:
    return sum(record.count for record in disk.records)


def test_each_is_written_at_once() -> None:
    made, disk = strangers()
    for number in range(5):
        made.turned_away(f"192.0.2.{number}", "UNAUTHENTICATED")
        assert total(disk) == number + 1
    assert [record.number for record in disk.records] == [1, 2, 3, 4, 5]
    assert len({record.event_id for record in disk.records}) == 5


def test_a_flood_is_put_together_and_none_is_left_out() -> None:
    made, disk = strangers()
    made.sweep(0.0)
    for number in range(50_000):
        made.turned_away(f"10.{number % 30_000 // 250}.0.{number % 250}", "UNAUTHENTICATED")
    assert len(disk.records) == 1_000
    made.sweep(1.0)
    assert len(disk.records) == 1_000, "not before its time"
    made.sweep(2.0)
    assert len(disk.records) <= 2_001
    assert total(disk) == 50_000
    assert [record.number for record in disk.records] == list(range(1, len(disk.records) + 1))


def test_while_the_disk_takes_nothing_they_are_counted() -> None:
    made, disk = strangers()
    disk.fault = "no space"
    for _ in range(7):
        made.turned_away("192.0.2.1", "RATE_LIMITED")
    made.sweep(5.0)
    assert disk.records == []
    disk.fault = None
    made.sweep(8.0)
    assert [(record.address, record.code, record.count) for record in disk.records] == [
        ("192.0.2.1", "RATE_LIMITED", 7)
    ]
