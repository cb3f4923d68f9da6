"""The drain on both databases: journals in, every call in exactly one row, journals gone."""

from pathlib import Path

from msgspec.structs import replace

from tests.integration.ledger.conftest import DrainOnce
from tests.support.journals import (
    SERVED,
    JournalWriter,
    abandoned,
    event_id,
    files_left,
    open_record,
    refused_event,
    usage_event,
)
from tests.support.ledgers import assert_totals_are_the_sum_of_rows, count_rows, ledger_rows, ledger_totals
from turnpike.contract.events import Outcome, UsageSource
from turnpike.control.drain.drain import Drain
from turnpike.control.drain.state import DrainState
from turnpike.control.drain.writers import LedgerWriter
from turnpike.settings import Settings
from turnpike.wire.types.usage import Usage


async def test_a_settled_call_becomes_a_row_with_all_its_facts(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        call = relay.call(started_at_ms=1_780_000_000_000, abandoned=(abandoned(),), attempts=2, cache="miss")
    await drain_again()
    (row,) = await ledger_rows(settings)
    assert row["event_id"] == call
    assert row["started_at_ms"] == 1_780_000_000_000
    assert (row["key_id"], row["user_id"], row["department_id"]) == ("key-1", "user-1", "department-1")
    assert (row["model_asked"], row["model"], row["upstream_model"]) == ("gpt-a", "gpt-a", "gpt-a-2026")
    assert (row["dialect_in"], row["dialect_out"]) == ("openai_chat", "openai_chat")
    assert (row["input_tokens"], row["output_tokens"], row["reasoning_tokens"]) == (10, 5, 2)
    assert (row["cost_nanousd"], row["priced"], row["price_source"]) == (1_500, True, "genai-prices 1")
    assert (row["status"], row["outcome"], row["attempts"], row["cache"]) == (200, Outcome.OK, 2, "miss")
    assert '"status":503' in row["abandoned"]
    (total,) = await ledger_totals(settings)
    assert (total["day"], total["requests"], total["cost_nanousd"], total["estimated"]) == ("2026-05-28", 1, 1_500, 1)


async def test_a_dead_relays_folder_is_gone_once_it_is_in_the_ledger(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals, segment_bytes=4096) as relay:
        for _ in range(30):
            relay.call()
    assert len(files_left(journals)) > 3
    state = await drain_again()
    assert state.rows == await count_rows(settings) == 30
    assert list(journals.iterdir()) == []
    await assert_totals_are_the_sum_of_rows(settings)


async def test_a_live_relay_keeps_the_segment_it_writes_and_nothing_else(
    settings: Settings, journals: Path, drain: Drain
) -> None:
    with JournalWriter(journals, segment_bytes=4096) as relay:
        for _ in range(30):
            relay.call()
        assert await drain.turn() == 30
        assert files_left(journals) == [f"{relay.name}/{relay.path.name}"]
        relay.call()
        assert await drain.turn() == 1
        assert await drain.turn() == 0
    assert await count_rows(settings) == 31


async def test_a_segment_waits_for_the_calls_that_are_open_in_it(journals: Path, drain: Drain) -> None:
    with JournalWriter(journals) as relay:
        slow = relay.open(event_id())
        first = relay.path.name
        relay.roll()
        second = relay.path.name
        relay.call()
        relay.roll()
        await drain.turn()
        assert files_left(journals) == [f"{relay.name}/{first}", f"{relay.name}/{relay.path.name}"]
        assert second not in {path.name for path in relay.folder.iterdir()}
        relay.settle(slow)
        await drain.turn()
        assert files_left(journals) == [f"{relay.name}/{relay.path.name}"]


async def test_a_call_settled_in_a_deleted_segment_is_not_doubled_nor_held_after_a_restart(
    settings: Settings, journals: Path, drain: Drain, drain_again: DrainOnce, writer: LedgerWriter
) -> None:
    with JournalWriter(journals) as relay:
        done, slow = relay.open(event_id()), relay.open(event_id())
        relay.roll()
        relay.settle(done)
        relay.roll()
        await drain.turn()
        drain.close()
        assert await count_rows(settings) == 1
        again = Drain(journals, writer, DrainState(), charge_interrupted=True)
        assert await again.turn() == 0
        relay.settle(slow)
        assert await again.turn() == 1
        # Nothing is open in the first segment any more: the row of `done` was looked up.
        assert files_left(journals) == [f"{relay.name}/{relay.path.name}"]
        again.close()
    state = await drain_again()
    assert (state.rows, state.interrupted, await count_rows(settings)) == (0, 0, 2)
    await assert_totals_are_the_sum_of_rows(settings)


async def test_a_call_that_a_dead_relay_left_open_is_interrupted_and_charged_its_reservation(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        call = relay.open(event_id(), reserved_nanousd=9_000)
        relay.open(call, attempt=2, reserved_nanousd=8_000)
    state = await drain_again()
    (row,) = await ledger_rows(settings)
    assert state.interrupted == 1
    assert (row["outcome"], row["status"], row["attempts"]) == (Outcome.INTERRUPTED, 0, 2)
    assert (row["cost_nanousd"], row["usage_source"]) == (8_000, UsageSource.UNKNOWN)
    (total,) = await ledger_totals(settings)
    assert (total["requests"], total["succeeded"], total["estimated"], total["cost_nanousd"]) == (1, 0, 1, 8_000)
    assert list(journals.iterdir()) == []


async def test_an_interrupted_call_costs_nothing_where_the_setting_says_so(
    settings: Settings, journals: Path, writer: LedgerWriter
) -> None:
    with JournalWriter(journals) as relay:
        relay.open(event_id())
        relay.open(event_id(), served=replace(SERVED, price_source=None), reserved_nanousd=0)
    drain = Drain(journals, writer, DrainState(), charge_interrupted=False)
    await drain.turn()
    drain.close()
    rows = await ledger_rows(settings)
    assert [(row["cost_nanousd"], row["priced"]) for row in rows] == [(0, True), (None, False)]


async def test_a_live_relays_open_call_is_not_interrupted(settings: Settings, journals: Path, drain: Drain) -> None:
    with JournalWriter(journals) as relay:
        relay.open(event_id())
        assert await drain.turn() == 0
        assert await count_rows(settings) == 0


async def test_a_refused_request_is_free_and_not_unpriced(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        relay.append(refused_event(event_id(), model_asked="no-such-model"))
    await drain_again()
    (row,) = await ledger_rows(settings)
    assert (row["cost_nanousd"], row["priced"], row["deployment_id"]) == (0, True, None)
    assert (row["model"], row["provider"], row["input_tokens"], row["billable_requests"]) == (
        "no-such-model", None, 0, 0,
    )  # fmt: skip
    (total,) = await ledger_totals(settings)
    assert (total["provider"], total["unpriced"], total["succeeded"]) == ("", 0, 0)


async def test_a_call_without_a_price_is_counted_as_unpriced(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        relay.call(cost_nanousd=None)
        relay.call(abandoned=(abandoned(None),), attempts=2)
    await drain_again()
    rows = await ledger_rows(settings)
    assert [(row["cost_nanousd"], row["priced"]) for row in rows] == [(None, False), (1_500, False)]
    (total,) = await ledger_totals(settings)
    assert (total["unpriced"], total["cost_nanousd"]) == (2, 1_500)


async def test_records_that_come_twice_count_once(settings: Settings, journals: Path, drain_again: DrainOnce) -> None:
    with JournalWriter(journals) as relay:
        call = event_id()
        relay.settle(call)
        relay.settle(call)
    with JournalWriter(journals) as other:
        other.settle(call)
        other.call()
    await drain_again()
    assert await count_rows(settings) == 2
    await assert_totals_are_the_sum_of_rows(settings)


async def test_several_relays_are_drained_together(settings: Settings, journals: Path, drain: Drain) -> None:
    relays = [JournalWriter(journals) for _ in range(3)]
    for relay in relays:
        for _ in range(5):
            relay.call()
    assert await drain.turn() == 15
    for relay in relays:
        relay.die()
    await drain.turn()
    assert list(journals.iterdir()) == []
    await assert_totals_are_the_sum_of_rows(settings)


async def test_what_lies_beside_the_journals_is_left_alone(journals: Path, drain_again: DrainOnce) -> None:
    (journals / "lost+found").mkdir(parents=True)
    (journals / "notes.txt").write_text("mine")
    await drain_again()
    assert sorted(path.name for path in journals.iterdir()) == ["lost+found", "notes.txt"]
    assert list((journals / "lost+found").iterdir()) == []


async def test_a_clock_that_jumps_loses_no_row_and_every_row_has_a_day(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals) as relay:
        for at in (0, -5, 2**60, 1_780_000_000_000, 1_700_000_000_000):
            relay.settle(event_id(), started_at_ms=at)
    await drain_again()
    assert await count_rows(settings) == 5
    days = {total["day"] for total in await ledger_totals(settings)}
    assert days == {"1970-01-01", "9999-12-31", "2026-05-28", "2023-11-14"}
    await assert_totals_are_the_sum_of_rows(settings)


async def test_absurd_values_are_bounded_and_block_nothing(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    with JournalWriter(journals, segment_bytes=256 * 1024) as relay:
        relay.call(request_id="a\0b", model_asked="m" * 70_000)
        relay.call(usage=Usage(input_tokens=2**63 - 1, output_tokens=-7), started_at_ms=1_780_000_000_000)
        relay.call(error_code="e" * 500, trace_id="t\0" * 100)
        relay.call(status=10**9)
        relay.call()
    state = await drain_again()
    rows = await ledger_rows(settings)
    assert (len(rows), state.rejected) == (5, 0)
    assert rows[0]["request_id"] == "a\ufffdb"
    assert len(rows[0]["model_asked"]) == 255
    assert (rows[1]["input_tokens"], rows[1]["output_tokens"]) == (2**40, 0)
    assert rows[1]["started_at_ms"] == 1_780_000_000_000
    await assert_totals_are_the_sum_of_rows(settings)


async def test_one_batch_may_be_larger_than_the_writer_wants(
    settings: Settings, journals: Path, drain: Drain, writer: LedgerWriter
) -> None:
    writer.batch_rows = writer.smallest_batch
    with JournalWriter(journals, segment_bytes=1024 * 1024) as relay:
        for _ in range(700):
            relay.call()
    assert await drain.turn() == 700
    assert await count_rows(settings) == 700


async def test_an_open_record_after_its_settle_record_holds_nothing_up(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    """As when a relay used its segments in another order than that of their numbers."""
    with JournalWriter(journals) as relay:
        call = relay.settle(event_id())
        relay.append(open_record(call))
    state = await drain_again()
    assert (await count_rows(settings), state.interrupted) == (1, 0)
    assert list(journals.iterdir()) == []


async def test_a_segment_made_ahead_is_neither_read_as_ended_nor_deleted(journals: Path, drain: Drain) -> None:
    with JournalWriter(journals) as relay:
        relay.call()
        ahead = relay.folder / "00000002.seg"
        ahead.write_bytes(relay.path.read_bytes()[:64].ljust(65536, b"\0"))
        later = relay.folder / "00000003.seg"
        later.write_bytes(relay.path.read_bytes())
        await drain.turn()
        assert {path.name for path in relay.folder.glob("*.seg")} == {relay.path.name, ahead.name, later.name}


async def test_usage_event_columns_survive_both_ways(
    settings: Settings, journals: Path, drain_again: DrainOnce
) -> None:
    """A failed, streamed call with unknown usage keeps saying so."""
    event = usage_event(
        event_id(),
        stream=True,
        status=502,
        outcome=Outcome.CUT,
        error_code="UPSTREAM_CUT",
        usage=None,
        usage_source=UsageSource.UNKNOWN,
        cost_nanousd=77,
        trace_id=None,
    )
    with JournalWriter(journals) as relay:
        relay.append(event)
    await drain_again()
    (row,) = await ledger_rows(settings)
    assert (row["stream"], row["status"], row["outcome"], row["error_code"]) == (True, 502, Outcome.CUT, "UPSTREAM_CUT")
    assert (row["usage_source"], row["cost_nanousd"], row["trace_id"]) == (UsageSource.UNKNOWN, 77, None)
