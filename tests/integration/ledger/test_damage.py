"""Journals that a crash, a failing disk, a later version or a strange value left: nothing intact is lost or blocked."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.integration.ledger.conftest import DrainOnce
from tests.support.journals import JournalWriter, event_id, files_left, flip_bit, usage_event
from tests.support.ledgers import assert_totals_are_the_sum_of_rows, count_rows, ledger_rows
from turnpike.contract.events import Outcome
from turnpike.contract.journal import HEADER_BYTES, JOURNAL_VERSION, SegmentHeader, pack_header
from turnpike.control.drain.drain import Drain
from turnpike.control.drain.rows import COLUMNS, Row
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter, Refused, Unreachable
from turnpike.settings import Settings

pytestmark = pytest.mark.usefixtures("settings")
LATER_KIND = 9


def _of_a_later_kind(*fields: Any) -> bytes:
    return msgspec.msgpack.encode([LATER_KIND, *fields])


@pytest.mark.parametrize("keep", [0, 1, 7, 40, 120])
async def test_a_torn_tail_of_a_dead_relay_is_cut_and_reported(
    settings: Settings, journals: Path, drain_again: DrainOnce, keep: int
) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        relay.tear(usage_event(event_id()), keep)
    state = await drain_again()
    assert (state.torn, state.corrupt, await count_rows(settings)) == (1, 0, 1)
    assert list(journals.iterdir()) == []


async def test_a_torn_tail_of_a_live_relay_is_looked_at_again(settings: Settings, journals: Path, drain: Drain) -> None:
    with JournalWriter(journals) as relay:
        event = usage_event(event_id())
        relay.tear(event, 20)
        for _ in range(3):
            assert await drain.turn() == 0
        relay.append(event)
        assert await drain.turn() == 1
    assert await count_rows(settings) == 1


async def test_a_record_half_written_without_its_length_is_a_torn_tail(journals: Path, drain_again: DrainOnce) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        relay.write_raw(relay.offset + 8, b"\x9d\x01\xc4\x10half of a record")
    assert (await drain_again()).torn == 1


async def test_a_flipped_bit_costs_one_record_and_sets_the_segment_aside(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        kept = [relay.call() for _ in range(5)]
        place = relay.offset
        lost = relay.settle(event_id())
        kept += [relay.call() for _ in range(5)]
        path = relay.path
    flip_bit(path, place + 60)
    state = await drain_again()
    found = {row["event_id"] for row in await ledger_rows(settings)}
    assert found == set(kept)
    assert lost not in found
    assert (state.corrupt, state.torn, state.aside) == (1, 0, 1)
    assert files_left(journals) == [f"{relay.name}/{path.name}.unreadable"]


@pytest.mark.parametrize("byte", [0, 1, 3, 4])
async def test_a_flipped_bit_in_a_length_or_checksum_costs_one_record(
    settings: Settings, journals: Path, drain_again: DrainOnce, byte: int
) -> None:
    with JournalWriter(journals) as relay:
        kept = [relay.call() for _ in range(3)]
        place = relay.offset
        relay.settle(event_id())
        kept += [relay.call() for _ in range(3)]
        path = relay.path
    flip_bit(path, place + byte, 3)
    state = await drain_again()
    assert {row["event_id"] for row in await ledger_rows(settings)} == set(kept)
    assert state.corrupt == 1


async def test_a_live_relays_damaged_record_does_not_hold_up_those_behind_it(
    settings: Settings, journals: Path, drain: Drain
) -> None:
    with JournalWriter(journals) as relay:
        place = relay.offset
        relay.settle(event_id())
        relay.call()
        flip_bit(relay.path, place + 60)
        for _ in range(3):
            await drain.turn()
        assert await count_rows(settings) == 1
        relay.call()
        await drain.turn()
        assert await count_rows(settings) == 2


async def test_a_call_whose_settle_record_is_damaged_becomes_interrupted(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        call = relay.open(event_id())
        place = relay.offset
        relay.settle(call)
        relay.call()
        path = relay.path
    flip_bit(path, place + 60)
    await drain_again()
    rows = {row["event_id"]: row for row in await ledger_rows(settings)}
    assert rows[call]["outcome"] == Outcome.INTERRUPTED
    assert len(rows) == 2


async def test_a_record_of_a_later_version_is_set_aside_and_read_when_it_can_be(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        relay.append_payload(_of_a_later_kind(event_id(), "what is this"))
        relay.call()
        path = relay.path
    for _ in range(2):
        state = await drain_again()
        assert (state.unreadable, state.aside, await count_rows(settings)) == (1, 1, 2)
        assert files_left(journals) == [f"{relay.name}/{path.name}.unreadable"]
    await assert_totals_are_the_sum_of_rows(settings)


async def test_a_call_that_a_later_versions_record_may_have_settled_is_not_taken_for_interrupted(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        other, known = relay.open(event_id()), relay.open(event_id())
        relay.append_payload(_of_a_later_kind(known, "settled in a way that only a later version knows"))
    await drain_again()
    assert [row["event_id"] for row in await ledger_rows(settings)] == [other]
    assert files_left(journals) != []


async def test_a_segment_of_a_later_format_is_set_aside_whole(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        relay.open(event_id())
        relay.roll()
        relay.call()
        relay.write_raw(0, pack_header(SegmentHeader(JOURNAL_VERSION + 1, bytes(16), 2, 0)))
    state = await drain_again()
    # The open call may be settled in the segment that cannot be read.
    assert (state.unreadable, await count_rows(settings)) == (1, 0)
    assert files_left(journals) == [f"{relay.name}/00000001.seg", f"{relay.name}/00000002.seg.unreadable"]


async def test_a_damaged_header_sets_the_segment_aside(journals: Path, drain_again: DrainOnce) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        path = relay.path
    flip_bit(path, 1)
    state = await drain_again()
    assert (state.corrupt, state.aside) == (1, 1)


@pytest.mark.parametrize("content", [b"", bytes(HEADER_BYTES), bytes(65536)])
async def test_a_segment_cut_while_it_was_being_made_is_deleted(
    settings: Settings, journals: Path, drain_again: DrainOnce, content: bytes
) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        (relay.folder / "00000002.seg").write_bytes(content)
    state = await drain_again()
    assert (state.corrupt, state.torn, await count_rows(settings)) == (0, 0, 1)
    assert list(journals.iterdir()) == []


async def test_a_grown_record_of_a_later_version_is_read_as_far_as_it_is_known(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    call = event_id()
    fields = msgspec.msgpack.decode(msgspec.msgpack.encode(usage_event(call)))
    with JournalWriter(journals) as relay:
        relay.append_payload(msgspec.msgpack.encode([*fields, "a field of tomorrow"]))
    state = await drain_again()
    assert (state.unreadable, await count_rows(settings)) == (0, 1)


async def test_a_row_that_the_database_refuses_blocks_no_other_and_is_kept(
    settings: Settings, journals: Path, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JournalWriter(journals) as relay:
        bad = relay.call()
        for _ in range(20):
            relay.call()
        path = relay.path
    insert = writer._insert

    async def refusing(rows: Sequence[Row], totals: Sequence[Row], money: Any) -> float:
        if any(row[COLUMNS.index("event_id")] == bad for row in rows):
            raise Refused("it does not fit")
        return await insert(rows, totals, money)

    monkeypatch.setattr(writer, "_insert", refusing)
    state = DrainState()
    drain = Drain(journals, writer, state, charge_interrupted=True)
    assert await drain.turn() == 20
    assert state.rejected == 1
    assert files_left(journals) == [f"{relay.name}/{path.name}.unreadable"]
    drain.close()
    # A release that can take it finds it again.
    monkeypatch.undo()
    later = Drain(journals, writer, DrainState(), charge_interrupted=True)
    assert await later.turn() == 1
    later.close()
    assert list(journals.iterdir()) == []
    assert await count_rows(settings) == 21


async def test_a_database_that_refuses_everything_is_waited_for(
    journals: Path, writer: LedgerWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    with JournalWriter(journals) as relay:
        for _ in range(40):
            relay.call()

    async def refusing(rows: Sequence[Row], totals: Sequence[Row], money: Any) -> float:
        raise Refused("the table is another one")

    monkeypatch.setattr(writer, "_insert", refusing)
    drain = Drain(journals, writer, DrainState(), charge_interrupted=True)
    with pytest.raises(Unreachable, match="every row"):
        await drain.turn()
    monkeypatch.undo()
    assert await drain.turn() == 40
    drain.close()
