"""When a period begins and ends."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turnpike.contract.periods import FOR_EVER_MS, Span, zone_of

HOUR_MS = 3_600_000
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe")


def ms(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "zone", "at", "start", "end"),
    [
        ("day", "UTC", "2026-03-29T12:00", "2026-03-29", "2026-03-30"),
        ("day", "Europe/Berlin", "2026-03-29T12:00", "2026-03-29", "2026-03-30"),
        ("week", "UTC", "2026-11-22T23:59", "2026-11-16", "2026-11-23"),
        ("week", "Europe/Berlin", "2026-11-23T00:00", "2026-11-23", "2026-11-30"),
        ("month", "UTC", "2028-02-29T12:00", "2028-02-01", "2028-03-01"),
        ("month", "America/New_York", "2026-12-31T23:59", "2026-12-01", "2027-01-01"),
    ],
)
def test_periods_begin_at_midnight_in_their_zone(period: str, zone: str, at: str, start: str, end: str) -> None:
    assert Span(period, zone).of(ms(at, zone)) == (ms(start, zone), ms(end, zone))


def test_a_day_may_have_23_hours() -> None:
    start, end = Span("day", "Europe/Berlin").of(ms("2026-03-29T12:00", "Europe/Berlin"))
    assert end - start == 23 * HOUR_MS


def test_a_total_has_one_period_for_ever() -> None:
    assert Span("total").of(ms("2026-03-29T12:00")) == (0, FOR_EVER_MS)
    assert Span("total").renewed_ms(1) is None


@given(
    st.sampled_from(("day", "week", "month")),
    st.sampled_from(ZONES),
    st.integers(946_684_800_000, 2_524_608_000_000),
)
def test_every_moment_lies_in_one_period_and_the_next_begins_where_it_ends(period: str, zone: str, at_ms: int) -> None:
    span = Span(period, zone)
    start, end = span.of(at_ms)
    assert start <= at_ms < end
    assert span.of(start) == span.of(end - 1) == (start, end)
    assert span.of(end)[0] == end


@given(st.integers(1, 24 * 366), st.integers(0, 10**13))
def test_a_rolling_budget_counts_at_least_its_length_and_at_most_a_part_more(hours: int, at_ms: int) -> None:
    span = Span("rolling", length_ms=hours * HOUR_MS)
    start, end = span.of(at_ms)
    assert start <= at_ms < end
    assert end - start == span.length_ms // 24
    oldest = span.counted_from(at_ms)
    assert oldest <= max(0, at_ms - span.length_ms) < oldest + 2 * span.bucket_ms


def test_a_name_that_is_no_zone_is_told() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        zone_of("Mars/Olympus")
